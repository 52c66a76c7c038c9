import Verdicts

extension SpecComparison {
  /// A letter for each design: names do not fit the heads of columns.
  private var letters: [String] {
    designs.indices.map { String(Character(UnicodeScalar(UInt8(65 + $0 % 26)))) }
  }

  private static let sections: [(kind: Row.Kind, title: String, head: String)] = [
    (.property, "Verdicts, with the steps of the shortest run that decides them", "property"),
    (.call, "Answers that calls were seen to give", "call"),
    (.cost, "Costs, as closed forms", "count"),
  ]

  /// Plain text, as wide as it needs to be.
  public var plain: String {
    var out = legend
    for section in Self.sections {
      let rows = rows.filter { $0.kind == section.kind }
      guard !rows.isEmpty else { continue }
      out += "\n\(section.title)\n\n" + grid(section.head, rows)
    }
    return out
  }

  private var legend: String {
    zip(letters, designs).reduce("") { out, pair in
      let report = pair.1.report
      return out + "\(pair.0)  \(pair.1.name): \(report.states) states\n"
    }
  }

  private func grid(_ head: String, _ rows: [Row]) -> String {
    let lines = [[head] + letters] + rows.map { [$0.name] + $0.cells.map { $0 ?? "–" } }
    let widths = (0...designs.count).map { column in lines.map { $0[column].count }.max() ?? 0 }
    var out = ""
    for (number, line) in lines.enumerated() {
      var text = zip(line, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      if number > 0, !rows[number - 1].text.isEmpty { text.append(rows[number - 1].text) }
      out += "  " + text.joined(separator: "  ").trimmedAtEnd + "\n"
    }
    return out
  }

  /// Markdown of 72 columns, for a mail.
  public var markdown: String {
    var lines = ["# \(designs.count) designs compared", ""]
    lines += zip(letters, designs).map { "- \($0): `\($1.name)`, \($1.report.states) states" }
    for section in Self.sections {
      let rows = rows.filter { $0.kind == section.kind }
      guard !rows.isEmpty else { continue }
      lines += ["", "## \(section.title)", ""]
      var table = MarkdownTable([section.head] + letters)
      for row in rows { table.add([[row.name]] + row.cells.map { [$0 ?? "–"] }) }
      table.isCompact = table.naturalWidth > WrappedText.mailWidth
      lines += table.lines()
      let texts = rows.filter { !$0.text.isEmpty }
      if !texts.isEmpty { lines.append("") }
      lines += texts.flatMap {
        WrappedText.lines(
          "\($0.name): \(WrappedText.escaped($0.text))", first: "- ", rest: "  ")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One event a row.
  public var events: [JSONValue] {
    rows.map { row in
      .members([
        "event": "row", "kind": .string(row.kind.rawValue), "name": .string(row.name),
        "text": row.text.isEmpty ? nil : .string(row.text),
        "cells": .array(
          zip(designs, row.cells).map { design, cell in
            .members(["spec": .string(design.name), "value": cell.map { .string($0) }])
          }),
        "different": .bool(row.isDifferent),
      ])
    }
  }
}

extension String {
  fileprivate var trimmedAtEnd: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
