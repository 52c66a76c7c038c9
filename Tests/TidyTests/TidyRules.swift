/// Something in a file that a house rule forbids.
struct Offence: Equatable, CustomStringConvertible {
  let path: String
  let line: Int
  let message: String

  var description: String { "\(path):\(line): \(message)" }
}

/// The house rules of CONTRIBUTING.md that a machine can check, on one file at a time.
///
/// Paths are relative to the repository: `Sources/Explorer/Store.swift`.
enum TidyRules {
  static let linesInFile = 400
  static let linesInFunction = 70
  static let columns = 100

  /// Words that do not belong in any text; spelt in two parts because this file is checked too.
  static let words: [(word: String, instead: String)] = [
    ("TO" + "DO", "do it now, or record it in docs/decisions"),
    ("FIX" + "ME", "fix it now, or record it in docs/decisions"),
    ("XX" + "X", "say what is meant"),
    ("/wo" + "rk/", "name a path inside the repository"),
    ("/ro" + "ot/", "name a path inside the repository"),
    ("/ho" + "me/", "name a path inside the repository"),
  ]

  /// Calls that do not belong in code outside tests.
  static let calls: [(call: String, instead: String)] = [
    ("fatalError(", "throw a typed error, or answer with a coded diagnostic"),
    ("preconditionFailure(", "throw a typed error, or answer with a coded diagnostic"),
    ("try!", "handle the error, or pass it on with a typed throws"),
    ("as!", "use as? and handle nil"),
    ("unowned(unsafe)", "hold a strong reference or an index"),
    ("NSRegularExpression(", "use a small scanner over the bytes"),
    ("String(format:", "use string interpolation or a padding helper"),
    ("Thread.sleep", "wait for the event, or use a clock that a test can set"),
  ]

  /// Calls that only the command line may make.
  static let commandLineCalls: [(call: String, instead: String)] = [
    ("print(", "send an event; only the command line writes to stdout"),
    ("debugPrint(", "send an event; only the command line writes to stdout"),
    ("exit(", "throw an error; only the command line ends the process"),
  ]

  /// Folders whose public symbols must all have a doc comment.
  static let documented = [
    "Conformance/Kit/", "Conformance/Process/", "Conformance/Reports/",
  ]

  /// Every offence in one Swift file.
  static func check(path: String, text: String) -> [Offence] {
    let swift = SwiftText(text)
    let isTest = path.hasPrefix("Tests/")
    var offences = size(path: path, swift: swift) + words(path: path, lines: swift.lines)
    offences += fileName(path: path, swift: swift)
    if !isTest {
      offences += calls(path: path, swift: swift)
      offences += imports(path: path, swift: swift)
    }
    if documented.contains(where: path.hasPrefix) { offences += docs(path: path, swift: swift) }
    return offences
  }

  static func size(path: String, swift: SwiftText) -> [Offence] {
    var offences: [Offence] = []
    let count = swift.lines.last == "" ? swift.lines.count - 1 : swift.lines.count
    if count > linesInFile {
      let message = "\(count) lines; split it into Type+Aspect.swift at \(linesInFile)"
      offences.append(Offence(path: path, line: count, message: message))
    }
    for (index, line) in swift.lines.enumerated() where line.count > columns {
      let message = "\(line.count) columns; the limit is \(columns)"
      offences.append(Offence(path: path, line: index + 1, message: message))
    }
    for function in swift.functions where function.length > linesInFunction {
      let message = "\(function.name) has \(function.length) lines; the limit is \(linesInFunction)"
      offences.append(Offence(path: path, line: function.line, message: message))
    }
    return offences
  }

  static func words(path: String, lines: [String]) -> [Offence] {
    lines.enumerated().flatMap { index, line in
      words.filter { contains(line, word: $0.word) }.map { word, instead in
        Offence(path: path, line: index + 1, message: "\(word) is banned: \(instead)")
      }
    }
  }

  /// Whether the line contains the word with no letter on either side.
  private static func contains(_ line: String, word: String) -> Bool {
    occurrences(of: word, in: line).contains { range in
      guard word.first?.isLetter == true else { return true }
      let before = line[..<range.lowerBound].last?.isLetter ?? false
      let after = line[range.upperBound...].first?.isLetter ?? false
      return !before && !after
    }
  }

  static func calls(path: String, swift: SwiftText) -> [Offence] {
    let isCommandLine = path.hasPrefix("Sources/tdxspec/")
    let banned = isCommandLine ? calls : calls + commandLineCalls
    return swift.code.enumerated().flatMap { index, line in
      var found = banned.filter { bans(line, call: $0.call) }.map { call, instead in
        Offence(path: path, line: index + 1, message: "\(call) is banned: \(instead)")
      }
      if unwraps(line) {
        let message = "force unwrapping is banned: use guard let, ?? or optional chaining"
        found.append(Offence(path: path, line: index + 1, message: message))
      }
      return found
    }
  }

  /// Whether the line makes the call itself, and not a method or function whose name ends alike.
  private static func bans(_ line: String, call: String) -> Bool {
    occurrences(of: call, in: line).contains { range in
      guard let before = line[..<range.lowerBound].last else { return true }
      let declared = ["func ", "case "].contains { line[..<range.lowerBound].hasSuffix($0) }
      return !(before.isLetter || before.isNumber || before == "_" || before == "." || declared)
    }
  }

  /// Whether an exclamation mark follows a value: `x!`, `f()!`, `a[0]!`, and `T!` in a type.
  private static func unwraps(_ line: String) -> Bool {
    let line = Array(line)
    return line.indices.contains { index in
      guard line[index] == "!", index > 0 else { return false }
      let before = line[index - 1]
      guard before.isLetter || before.isNumber || "_)]?`\"".contains(before) else { return false }
      if index + 1 < line.count, line[index + 1] == "=" { return false }
      let word = String(line[..<index].reversed().prefix { $0.isLetter }.reversed())
      return word != "try" && word != "as"
    }
  }

  /// `Type+Aspect.swift` must say something about `Type`.
  static func fileName(path: String, swift: SwiftText) -> [Offence] {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    guard file.hasSuffix(".swift"), let plus = file.firstIndex(of: "+") else { return [] }
    let type = String(file[..<plus])
    let words = ["extension", "struct", "enum", "class", "actor", "protocol"]
    let isAbout = swift.code.contains { line in
      words.contains { contains(line, word: "\($0) \(type)") }
    }
    guard !isAbout else { return [] }
    return [Offence(path: path, line: 1, message: "it declares and extends no \(type)")]
  }

  static func docs(path: String, swift: SwiftText) -> [Offence] {
    let kinds = [
      "struct", "enum", "class", "actor", "protocol", "func", "init", "init?", "var", "let",
      "static", "typealias", "subscript", "mutating", "indirect", "case",
    ]
    return swift.code.indices.compactMap { index in
      let line = swift.code[index].drop { $0 == " " }
      guard line.hasPrefix("public ") else { return nil }
      let word = line.dropFirst("public ".count).prefix { $0.isLetter || $0 == "?" }
      guard kinds.contains(String(word)) else { return nil }
      var above = index - 1
      while above >= 0, swift.lines[above].drop(while: { $0 == " " }).hasPrefix("@") { above -= 1 }
      if above >= 0, swift.lines[above].drop(while: { $0 == " " }).hasPrefix("///") { return nil }
      return Offence(path: path, line: index + 1, message: "a public symbol without doc comment")
    }
  }

  static func occurrences(of needle: String, in line: String) -> [Range<String.Index>] {
    line.ranges(of: needle)
  }
}
