"""Work that runs unattended."""
