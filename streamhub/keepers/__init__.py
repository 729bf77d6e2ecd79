"""The keepers of a running hub: loops that hold the outside to what rows and files say, again after any crash."""
