"""What `manage.py bench` measures of the house; each subject is a module with run(options)."""
