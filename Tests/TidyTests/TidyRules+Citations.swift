extension TidyRules {
  /// The names that citations begin with.
  static let documents = [
    "kvm-tdx", "tdx-module", "guest-memfd", "s390-pv", "perf", "peers", "swift-design",
    "real-world", "seed",
  ]

  /// The ids that docs/sources.md gives a row: the first cell of each row, between backticks.
  static func sources(_ markdown: String) -> Set<String> {
    let rows = markdown.split(separator: "\n").filter { $0.hasPrefix("| `") }
    return Set(rows.compactMap { $0.dropFirst(3).split(separator: "`").first.map(String.init) })
  }

  /// The citations in a line: `kvm-tdx §5.d`, `kvm-tdx S-11`, `seed 001`.
  ///
  /// What follows a document's name is a citation when it begins with a section sign, is a
  /// number (of a seed), or is an id: it begins with a capital and has a digit or is all capitals.
  static func citations(in line: String) -> [String] {
    documents.flatMap { document in
      occurrences(of: document + " ", in: line).compactMap { range in
        if let before = line[..<range.lowerBound].last, isPart(before) || before == "/" {
          return nil
        }
        var id = line[range.upperBound...].prefix(while: isPart)
        while let last = id.last, ".-".contains(last) { id = id.dropLast() }
        return isID(String(id), of: document) ? "\(document) \(id)" : nil
      }
    }
  }

  private static func isPart(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || "§.-".contains(character)
  }

  private static func isID(_ text: String, of document: String) -> Bool {
    guard let first = text.first else { return false }
    if document == "seed" { return first.isNumber }
    if first == "§" { return true }
    guard first.isUppercase else { return false }
    return text.contains(where: \.isNumber) || (text.contains("-") && text == text.uppercased())
  }

  /// The citations of a file that have no row in docs/sources.md.
  static func citations(path: String, text: String, sources: Set<String>) -> [Offence] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.enumerated().flatMap { index, line in
      citations(in: String(line)).filter { !sources.contains($0) }.map { id in
        Offence(path: path, line: index + 1, message: "\(id) has no row in docs/sources.md")
      }
    }
  }
}
