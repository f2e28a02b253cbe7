module example.com/asuser

go 1.23
