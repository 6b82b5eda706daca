"""Views glue: get through access, check with a form, call one method, render."""
