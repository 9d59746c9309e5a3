module echo-go

go 1.25

require jackfield/guest v0.0.0

replace jackfield/guest => ../../guest-sdk/go
