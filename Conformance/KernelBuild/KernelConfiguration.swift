/// Options of a kernel's configuration, as `.config` and its fragments have them.
struct KernelConfiguration {
  /// What each named option is: `y`, `m`, a number or a string; `n` where it is said to be off.
  let options: [String: String]

  /// Reads `CONFIG_NAME=VALUE` and `# CONFIG_NAME is not set`; other lines say nothing.
  init(_ text: String) {
    var options: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ")
      if line.hasPrefix("CONFIG_"), let sign = line.firstIndex(of: "=") {
        options[String(line[..<sign])] = String(line[line.index(after: sign)...])
      } else if words.count == 5, words[0] == "#", words[2...].elementsEqual(["is", "not", "set"]) {
        options[String(words[1])] = "n"
      }
    }
    self.options = options
  }

  /// What is wanted and is otherwise in the other, as `CONFIG_NAME=VALUE`, by name. An option that
  /// the other does not name is off there.
  func unmet(in other: KernelConfiguration) -> [String] {
    options.filter { other.options[$0.key] ?? "n" != $0.value }
      .map { "\($0.key)=\($0.value)" }.sorted()
  }
}
