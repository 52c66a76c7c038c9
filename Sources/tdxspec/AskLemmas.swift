import ArgumentParser
struct AskLemmas: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "lemmas", abstract: "x")
}
