"""`python -m console`: the same as `issuance`."""

from console.main import main

main()
