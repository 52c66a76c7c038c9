import ArgumentParser
struct AskCore: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "core", abstract: "x")
}
