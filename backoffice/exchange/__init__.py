"""Tables in and out: what a row is in one (sheets), the files, taking in (imports), giving out (exports), the pages."""
