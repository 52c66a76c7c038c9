import KVMBackend

RunnerCommand.main()
