"""What is told of every outcome. An observer never holds up an answer, nor fails one."""
