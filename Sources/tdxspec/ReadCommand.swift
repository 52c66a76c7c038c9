import ArgumentParser
import SpecLanguage
import Verdicts

extension TDXSpec {
  /// `tdxspec read`.
  struct Read: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reads a spec, or one of its actions, in plain words.",
      discussion: """
        EXAMPLES
          tdxspec read teardown/terminate-vm-v4 KVM_TDX_TERMINATE_VM
          tdxspec read teardown/mainline | less
        """)

    @Argument(help: "The spec.")
    var spec: String

    @Argument(help: "An action of it; without it, the whole spec.")
    var action: String?

    @Option(
      name: .long,
      help: ArgumentHelp("A bug that the spec is given; may be repeated.", valueName: "id"))
    var mutate: [String] = []

    @Flag(name: .long, help: "JSON lines on standard output.")
    var json = false

    func run() throws {
      let description = try SpecLookup.describe(spec, mutate: mutate)
      let text = try reading(description)
      guard json else { return try Output.standard.write(text) }
      let event = JSONValue.members([
        "event": "reading", "spec": .string(spec), "action": action.map { .string($0) },
        "text": .string(text),
      ])
      let lines = [Events.start("read", version: TDXSpec.version), event, Events.end(.success)]
      try Output.standard.write(lines.map { $0.text + "\n" }.joined())
    }

    private func reading(_ description: SpecDescription) throws -> String {
      guard let action else { return SpecReader(description).text }
      guard let found = description.actions.first(where: { $0.name == action }) else {
        let names = description.actions.map(\.name).joined(separator: ", ")
        throw ValidationError("\(spec) has no action '\(action)'; actions: \(names)")
      }
      return ActionReader(description).text(found)
    }
  }
}
