// BertcCommands
