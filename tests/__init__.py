import os

# A developer's own .env may name the command otherwise.
os.environ["EXTAUTH_COMMAND"] = ""
