/// Text in lines of a limited width, broken at spaces where it can be.
public enum WrappedText {
  /// The columns of a mail.
  public static let mailWidth = 72

  /// The text in lines of at most `width` characters.
  ///
  /// - Parameters:
  ///   - first: stands before the first line and counts for its width.
  ///   - rest: stands before every other line.
  public static func lines(
    _ text: String, width: Int = mailWidth, first: String = "", rest: String = ""
  ) -> [String] {
    var lines: [String] = []
    var line = first
    var isEmpty = true
    for word in text.split(separator: " ") {
      for piece in pieces(String(word), max(1, width - max(first.count, rest.count))) {
        let needed = line.count + (isEmpty ? 0 : 1) + piece.count
        if !isEmpty, needed > width || piece != String(word) && !isFirst(piece, of: word) {
          lines.append(line)
          line = rest
          isEmpty = true
        }
        line += (isEmpty ? "" : " ") + piece
        isEmpty = false
      }
    }
    return lines + (isEmpty && !lines.isEmpty ? [] : [line])
  }

  private static func isFirst(_ piece: String, of word: Substring) -> Bool {
    word.hasPrefix(piece)
  }

  /// A word that is too long, in pieces; broken after a sign where there is one.
  static func pieces(_ word: String, _ width: Int) -> [String] {
    var result: [String] = []
    var rest = Substring(word)
    while rest.count > width {
      let window = rest.prefix(width)
      let signs: Set<Character> = ["_", ".", "/", "(", "[", ",", "|", "-"]
      var cut =
        window.dropFirst().lastIndex(where: signs.contains).map { window.index(after: $0) }
        ?? window.endIndex
      // A backslash stays with what it escapes.
      if cut > rest.index(after: rest.startIndex), rest[rest.index(before: cut)] == "\\" {
        cut = rest.index(before: cut)
      }
      result.append(String(rest[..<cut]))
      rest = rest[cut...]
    }
    if !rest.isEmpty { result.append(String(rest)) }
    return result
  }

  /// The text with the signs escaped that Markdown would take for its own.
  public static func escaped(_ text: String) -> String {
    var out = ""
    for character in text {
      if ["|", "*", "<", "`"].contains(character) { out.append("\\") }
      out.append(character)
    }
    return out
  }
}
