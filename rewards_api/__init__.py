"""The rewards API: account, authentication, client, and the replies to reads."""
