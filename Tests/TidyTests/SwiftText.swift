/// A Swift file with its comments and its strings told apart, line by line.
///
/// It is no parser: it knows comments, string literals and where they end, which is enough to look
/// for a call without finding it in a sentence.
struct SwiftText {
  /// The lines with comments and the inside of strings blanked out.
  let code: [String]
  /// The lines as they are.
  let lines: [String]

  init(_ text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var scanner = Scanner(Array(text.utf8))
    code = String(decoding: scanner.blanked(), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// The functions with the number of lines from the name to the closing brace.
  var functions: [(name: String, line: Int, length: Int)] {
    var found: [(name: String, line: Int, length: Int)] = []
    for (index, line) in code.enumerated() {
      guard let name = SwiftText.declaredFunction(line) else { continue }
      guard let end = closingLine(from: index) else { continue }
      found.append((name, index + 1, end - index + 1))
    }
    return found
  }

  private static func declaredFunction(_ line: String) -> String? {
    let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
    if let at = words.firstIndex(of: "func"), at + 1 < words.endIndex {
      return String(words[at + 1])
    }
    let start = line.drop { $0 == " " }
    let modifiers = ["public ", "internal ", "private ", "fileprivate ", "convenience "]
    let bare = modifiers.reduce(start) { $0.hasPrefix($1) ? $0.dropFirst($1.count) : $0 }
    return bare.hasPrefix("init(") || bare.hasPrefix("init<") ? "init" : nil
  }

  /// The line of the brace that closes the first brace after the declaration; nil when it has no
  /// body before the next declaration ends at the same depth.
  private func closingLine(from start: Int) -> Int? {
    var depth = 0
    var parentheses = 0
    for index in start..<code.count {
      for character in code[index] {
        switch character {
        case "(": parentheses += 1
        case ")": parentheses -= 1
        case "{": depth += 1
        case "}":
          depth -= 1
          if depth == 0, parentheses == 0 { return index }
          if depth < 0 { return nil }
        default: break
        }
      }
      let next = index + 1 < code.count ? code[index + 1].drop { $0 == " " } : ""
      let goesOn = next.hasPrefix("{") || next.hasPrefix(")") || next.hasPrefix("where")
      if depth == 0, parentheses == 0, !goesOn { return nil }
    }
    return nil
  }
}

/// Blanks out comments and strings.
private struct Scanner {
  private let bytes: [UInt8]
  private var output: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    output = bytes
  }

  mutating func blanked() -> [UInt8] {
    code(untilParenthesis: false)
    return output
  }

  private func sees(_ text: String) -> Bool {
    bytes[position...].starts(with: text.utf8)
  }

  private mutating func blank(_ count: Int = 1) {
    for index in position..<min(position + count, bytes.count)
    where bytes[index] != UInt8(ascii: "\n") {
      output[index] = UInt8(ascii: " ")
    }
    position += count
  }

  private mutating func code(untilParenthesis: Bool) {
    var depth = 0
    while position < bytes.count {
      if sees("//") {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank() }
      } else if sees("/*") {
        comment()
      } else if bytes[position] == UInt8(ascii: "\"") || sees("#\"") || sees("##\"") {
        string()
      } else {
        if bytes[position] == UInt8(ascii: "(") { depth += 1 }
        if bytes[position] == UInt8(ascii: ")") {
          if untilParenthesis, depth == 0 { return }
          depth -= 1
        }
        position += 1
      }
    }
  }

  private mutating func comment() {
    var depth = 0
    repeat {
      if sees("/*") {
        depth += 1
        blank(2)
      } else if sees("*/") {
        depth -= 1
        blank(2)
      } else {
        blank()
      }
    } while depth > 0 && position < bytes.count
  }

  /// Blanks the inside of a string, but leaves the code of interpolations.
  private mutating func string() {
    var marks = ""
    while position < bytes.count, bytes[position] == UInt8(ascii: "#") {
      marks += "#"
      blank()
    }
    let quotes = sees("\"\"\"") ? "\"\"\"" : "\""
    position += quotes.utf8.count
    while position < bytes.count {
      if sees(quotes + marks) {
        position += quotes.utf8.count
        blank(marks.utf8.count)
        return
      }
      if quotes == "\"", bytes[position] == UInt8(ascii: "\n") { return }
      if sees("\\" + marks + "(") {
        blank(2 + marks.utf8.count)
        code(untilParenthesis: true)
        if position < bytes.count { blank() }
      } else if sees("\\" + marks) {
        blank(2 + marks.utf8.count)
      } else {
        blank()
      }
    }
  }
}
