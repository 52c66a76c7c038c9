import SpecLanguage

/// The checks of every call in order, and the readings.
extension SpecDocument {
  var actions: [String] {
    var lines = ["## Calls and their checks", ""]
    lines += Self.paragraph(
      "In the order in which they are made. A call answers what stands in the last column when the "
        + "condition does not hold; “needs” means that the step cannot happen before.")
    var called: [CheckList.Called] = []
    for action in spec.actions {
      let list = CheckList(action, of: spec)
      lines += heading(action) + table(list.items)
      for entry in list.called where !called.contains(entry) { called.append(entry) }
    }
    guard !called.isEmpty else { return lines }
    lines += ["## SEAMCALLs and other called actions", ""]
    lines += Self.paragraph("What they answer is a status, which the caller may look at.")
    for name in called.map(\.name).uniqued {
      let variants = called.filter { $0.name == name }
      let sources = variants.flatMap(\.citations).uniqued
      lines += ["### \(WrappedText.escaped(name))", ""]
      if !sources.isEmpty { lines += Self.paragraph("Source: \(sources.joined(separator: "; ")).") }
      for (index, variant) in variants.enumerated() {
        if variants.count > 1 { lines += Self.paragraph("Form \(index + 1):") }
        lines += table(variant.items)
      }
    }
    return lines
  }

  private func heading(_ action: Action) -> [String] {
    var reader = ExpressionReader(spec)
    var names: [String] = []
    for argument in action.arguments {
      let (inner, name) = reader.binding(argument.bound)
      reader = inner
      names.append(name)
    }
    let arguments = names.isEmpty ? "" : " " + names.joined(separator: " ")
    var lines = ["### \(WrappedText.escaped(action.name))\(arguments)", ""]
    let who = action.role.map { "Called by any \($0.name), step by step." } ?? "In one step."
    let sources =
      action.citations.isEmpty ? "" : " Source: \(action.citations.joined(separator: "; "))."
    lines += Self.paragraph(who + sources)
    return lines
  }

  private func table(_ items: [CheckList.Item]) -> [String] {
    guard !items.isEmpty else { return Self.paragraph("No checks.") }
    var table = MarkdownTable(["#", "condition", "otherwise"])
    for (index, item) in items.enumerated() {
      let text: String
      let answer: String
      switch item.kind {
      case .check: (text, answer) = (item.text, item.answer ?? "")
      case .needs: (text, answer) = ("needs: \(item.text)", "")
      case .waits: (text, answer) = ("waits for \(item.text)", "")
      case .calls: (text, answer) = ("calls \(item.text)", "")
      }
      var cell = [text]
      if let onlyIf = item.onlyIf { cell.append("only if \(onlyIf)") }
      if !item.reason.isEmpty { cell.append("(\(item.reason))") }
      table.add([["\(index + 1)"], cell, [answer]])
    }
    return table.lines() + [""]
  }

  /// The whole text of every call, as `tdxspec read` has it, in lines that fit.
  var steps: [String] {
    var lines = ["## The steps of every call", ""]
    for action in spec.actions {
      lines += ["### \(WrappedText.escaped(action.name)), step by step", "", "```"]
      for line in ActionReader(spec).text(action).split(
        separator: "\n", omittingEmptySubsequences: false
      ).dropLast() {
        lines += Self.folded(String(line))
      }
      lines += ["```", ""]
    }
    return lines
  }

  /// A line of a reading with what does not fit under its own text.
  private static func folded(_ line: String) -> [String] {
    let body = line.drop { $0 == " " || $0 == "-" || $0 == "." || $0.isNumber }
    let indent = min(line.count - body.count, 40)
    guard line.count > WrappedText.mailWidth else { return [line] }
    let first = String(line.prefix(indent))
    let rest = String(repeating: " ", count: indent)
    return WrappedText.lines(String(line.dropFirst(indent)), first: first, rest: rest)
  }
}

extension Sequence where Element: Hashable {
  /// The elements in order, each once.
  var uniqued: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
