import ArgumentParser

struct AskGuards: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "guards", abstract: "x")
}
