/// A table whose columns are calls; spaces go, then it is split, where it is too wide.
struct ColumnTable {
  /// The heading of the first column, and what stands in it.
  let name: String
  let values: [String]
  let columns: [(name: String, cells: [[String]])]

  private func table(_ chosen: [Int]) -> MarkdownTable {
    var result = MarkdownTable([name] + chosen.map { columns[$0].name })
    for (row, value) in values.enumerated() {
      result.add([[value]] + chosen.map { columns[$0].cells[row] })
    }
    return result
  }

  /// Whether it needs neither.
  var fits: Bool { table(Array(columns.indices)).naturalWidth <= WrappedText.mailWidth }

  /// As few tables as the width allows, with the columns in order.
  private var pieces: [[Int]] {
    var pieces: [[Int]] = [[]]
    for column in columns.indices {
      let longer = pieces[pieces.count - 1] + [column]
      var wide = table(longer)
      wide.isCompact = true
      if wide.naturalWidth > WrappedText.mailWidth, longer.count > 1 {
        pieces.append([column])
      } else {
        pieces[pieces.count - 1] = longer
      }
    }
    return pieces
  }

  var lines: [String] {
    let tables = pieces.map(table)
    // Spaces are the first to go.
    let isCompact = tables.contains { $0.naturalWidth > WrappedText.mailWidth }
    return tables.flatMap { table in
      var table = table
      table.isCompact = isCompact
      return table.lines() + [""]
    }
  }
}

/// Short names for calls where the long ones do not fit a row of headings.
struct CallLetters {
  private let names: [String: String]
  let legend: [String]

  /// - Parameter fits: whether all tables fit with these names.
  init(_ calls: [String], fits: ((String) -> String) -> Bool) {
    guard !fits({ $0 }) else {
      names = [:]
      legend = []
      return
    }
    let letters = calls.indices.map(Self.letter)
    names = Dictionary(zip(calls, letters), uniquingKeysWith: { first, _ in first })
    legend = zip(calls, letters).map { "    \($1)  \($0)" } + [""]
  }

  /// A, B, … Z, AA, AB, …
  private static func letter(_ index: Int) -> String {
    let scalar = UnicodeScalar(UInt8(65 + index % 26))
    return (index < 26 ? "" : letter(index / 26 - 1)) + String(Character(scalar))
  }

  func name(_ call: String) -> String { names[call] ?? WrappedText.escaped(call) }
}
