import Documents
import SpecLanguage
import SpecProgram
import Verdicts

/// What a spec's policies cost for its inputs, counted along runs of the spec.
struct PolicyReport {
  private struct Counted {
    let input: CostInput
    let rows: [(policy: String, counts: [Int])]
  }

  private let name: String
  private let table: PolicyTable
  private let counted: [Counted]

  init(_ spec: SpecDescription, _ table: PolicyTable) throws {
    let counter = PolicyCounter(spec, table)
    name = spec.name
    self.table = table
    counted = try table.inputs.map { input in
      Counted(
        input: input,
        rows: try table.policies.map { ($0.name, try counter.counts(input, $0)) })
    }
  }

  var text: String {
    var out = "\(name): \(table.text)\n"
    out += "SAMPLED: the weights of the runs are data, the counts come from runs of the spec\n"
    for part in counted {
      out += "\n\(part.input.name)\n"
      var table = MarkdownTable(["policy"] + self.table.columns.map(\.name))
      for row in part.rows { table.add([[row.policy]] + row.counts.map { ["\($0)"] }) }
      out += table.lines().map { "  \($0)\n" }.joined()
      if !part.input.measured.isEmpty {
        let sources = part.input.citations.joined(separator: ", ")
        out += "  measured: \(part.input.measured) (\(sources))\n"
      }
    }
    return out
  }

  var events: [JSONValue] {
    counted.flatMap { part in
      part.rows.map { row in
        .members([
          "event": "policy", "spec": .string(name), "input": .string(part.input.name),
          "policy": .string(row.policy),
          "counts": .array(
            zip(table.columns, row.counts).map { column, count in
              .members(["name": .string(column.name), "count": .int(count)])
            }),
          "counts_are": .string("SAMPLED"),
          "measured": part.input.measured.isEmpty ? nil : .string(part.input.measured),
        ])
      }
    }
  }
}
