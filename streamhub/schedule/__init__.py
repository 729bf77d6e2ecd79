"""Stage one, when and who: shows, sessions and the people in them."""
