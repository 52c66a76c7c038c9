import ArgumentParser
import Catalogue
import SpecLanguage
import Verdicts

extension TDXSpec {
  /// `tdxspec list`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the bundled specs, or what one spec is made of.",
      discussion: """
        EXAMPLES
          tdxspec list
          tdxspec list teardown/terminate-vm-v4
          tdxspec list --json
        """)

    @Argument(help: "A spec; without it, all of them.")
    var spec: String?

    @Flag(name: .long, help: "JSON lines on standard output.")
    var json = false

    func run() throws {
      let output = Output.standard
      let entries = try spec.map { [try SpecLookup.entry($0)] } ?? Catalogue.all
      let specs = entries.map { $0.describe() }
      if json {
        try output.write(Events.start("list", version: TDXSpec.version).text + "\n")
        for spec in specs { try output.write(event(spec).text + "\n") }
        try output.write(Events.end(.success).text + "\n")
      } else if spec == nil {
        let width = specs.map(\.name.count).max() ?? 0
        for spec in specs {
          let space = String(repeating: " ", count: width - spec.name.count + 2)
          try output.write("\(spec.name)\(space)\(spec.summary)\n")
        }
      } else {
        for spec in specs { try output.write(details(spec)) }
      }
    }

    private func details(_ spec: SpecDescription) -> String {
      var out = "\(spec.name): \(spec.summary)\n\nparameters (--set NAME=VALUE)\n"
      for parameter in spec.parameters {
        let range = "\(parameter.range.lowerBound)...\(parameter.range.upperBound)"
        out +=
          "  \(parameter.name)  \(range), default \(parameter.defaultValue)  \(parameter.meaning)\n"
      }
      if !spec.scopes.isEmpty {
        out += "\nscopes (--scope NAME)\n"
        for scope in spec.scopes {
          let values = scope.values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
          out += "  \(scope.name)  \(scope.meaning): \(values.joined(separator: " "))\n"
          for part in scope.parts {
            let calls = part.calls.joined(separator: ", ")
            out += "    \(part.threads) × \(part.name): only \(calls)\n"
          }
        }
      }
      out += "\nactions (tdxspec read \(spec.name) ACTION)\n"
      for action in spec.actions { out += "  \(action.name)\n" }
      out += "\nproperties (--property ID)\n"
      for property in spec.properties {
        let mark = expectation(property, in: spec)
        let abstract = property.refinement.map { " (refines \($0.abstract.name))" } ?? ""
        let kind = property.isLiveness ? " (in the end)" : abstract
        out += "  \(property.id)  \(property.text)\(kind)\(mark)\n"
      }
      if !spec.mutations.isEmpty {
        out += "\nmutations (--mutate ID, tdxspec mutate \(spec.name))\n"
        for mutation in spec.mutations {
          let by = mutation.caughtBy.joined(separator: ", ")
          out += "  \(mutation.id)  \(mutation.text)"
          out += by.isEmpty ? " (must not be noticed)\n" : " (caught by \(by))\n"
        }
      }
      return out
    }

    private func expectation(_ property: Property, in spec: SpecDescription) -> String {
      let reader = ExpressionReader(spec)
      return property.expectations.map { expectation in
        let when = expectation.condition.map { " when \(reader.condition($0))" } ?? ""
        let made = expectation.ifMade.joined(separator: " or ")
        let absent = expectation.unlessMade.joined(separator: " or ")
        let calls =
          (made.isEmpty ? "" : " with \(made)") + (absent.isEmpty ? "" : " without \(absent)")
        let at = expectation.scope.map { " at scope \($0)" } ?? ""
        return " (expected: \(expectation.verdict.rawValue)\(calls)\(when)\(at))"
      }.joined()
    }

    private func event(_ spec: SpecDescription) -> JSONValue {
      .members([
        "event": "spec", "spec": .string(spec.name), "summary": .string(spec.summary),
        "parameters": .array(
          spec.parameters.map {
            .members([
              "name": .string($0.name), "low": .int($0.range.lowerBound),
              "high": .int($0.range.upperBound), "default": .int($0.defaultValue),
              "meaning": .string($0.meaning),
            ])
          }),
        "scopes": .array(spec.scopes.map { .string($0.name) }),
        "actions": .array(spec.actions.map { .string($0.name) }),
        "properties": .array(spec.properties.map { .string($0.id) }),
        "mutations": .array(spec.mutations.map { .string($0.id) }),
        "refinements": .array(
          spec.properties.filter { $0.refinement != nil }.map { .string($0.id) }),
        "liveness": .array(spec.properties.filter(\.isLiveness).map { .string($0.id) }),
      ])
    }
  }
}
