PASSWORD = "correct horse battery staple"  # of every user that tests create
