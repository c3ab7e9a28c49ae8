import BertcCommands
import Foundation

exit(BertcTool.run(Array(CommandLine.arguments.dropFirst())))
