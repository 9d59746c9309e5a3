module jackfield/guest

go 1.25
