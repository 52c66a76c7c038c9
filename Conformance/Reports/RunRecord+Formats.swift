import ConformanceKit

/// A form that a run's record can be written in.
public enum ReportFormat: String, Sendable, CaseIterable {
  case console
  case junit
  case ktap
  case sarif
  case github
}

extension RunRecord {
  /// The record in a form that other programs read.
  ///
  /// - Throws: ``FormatError`` when something cannot be written as JSON.
  public func text(as format: ReportFormat) throws(FormatError) -> String {
    switch format {
    case .console: text
    case .junit: junit
    case .ktap: ktap
    case .sarif: String(decoding: try StrictJSON.file(SARIFLog(self)), as: UTF8.self)
    case .github: github
    }
  }

  // MARK: JUnit

  /// One case a test. What is inconclusive or broken is an error, what is skipped is skipped.
  private var junit: String {
    let rows = rows
    func count(_ words: String...) -> Int { rows.count { words.contains($0.ending.word) } }
    let attributes =
      "name=\"\(suite.name.inXML)\" tests=\"\(rows.count)\" failures=\"\(count("FAIL"))\" "
      + "errors=\"\(count("INCONCLUSIVE", "ERROR", "NOT RUN"))\" skipped=\"\(count("SKIP"))\""
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites>", "  <testsuite \(attributes)>",
    ]
    for (test, ending) in rows {
      let name = "name=\"\(test.id.inXML)\" classname=\"\(suite.name.inXML)\""
      guard let element = junitElement(ending) else {
        lines.append("    <testcase \(name)/>")
        continue
      }
      let notes = (notes[test.id] ?? []).joined(separator: "\n").inXML
      let reason = (ending.reason ?? "").inXML
      lines.append("    <testcase \(name)>")
      let open = "      <\(element) message=\"\(reason)\""
      let type = element == "skipped" ? "" : " type=\"\(ending.word.lowercased())\""
      lines.append("\(open)\(type)>\(notes)</\(element)>")
      lines.append("    </testcase>")
    }
    lines += ["  </testsuite>", "</testsuites>"]
    return lines.joined(separator: "\n") + "\n"
  }

  private func junitElement(_ ending: Ending) -> String? {
    switch ending.word {
    case "PASS": nil
    case "FAIL": "failure"
    case "SKIP": "skipped"
    default: "error"
    }
  }

  // MARK: KTAP

  /// Version 1 of the kernel's Test Anything Protocol (Documentation/dev-tools/ktap.rst).
  private var ktap: String {
    let rows = rows
    var lines = ["KTAP version 1", "1..\(rows.count)"]
    for (index, (test, ending)) in rows.enumerated() {
      for note in notes[test.id] ?? [] { lines.append("# \(test.id): \(note.onOneLine)") }
      let reason = (ending.reason ?? "").onOneLine
      let place = "\(index + 1) \(test.id.onOneLine)"
      switch ending.word {
      case "PASS": lines.append("ok \(place)")
      case "SKIP": lines.append("ok \(place) # SKIP \(reason)")
      case "FAIL":
        lines.append("# \(test.id): \(reason)")
        lines.append("not ok \(place)")
      case "INCONCLUSIVE":
        // There is no directive for it; what could not be decided has not passed.
        lines.append("# \(test.id): inconclusive: \(reason)")
        lines.append("not ok \(place)")
      default: lines.append("not ok \(place) # ERROR \(reason)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: GitHub

  /// Workflow commands that annotate the suite's file.
  private var github: String {
    var lines: [String] = []
    for (test, ending) in rows {
      let level: String
      switch ending.word {
      case "PASS": continue
      case "FAIL", "ERROR": level = "error"
      case "SKIP": level = "notice"
      default: level = "warning"
      }
      let text = ([ending.reason ?? ""] + (notes[test.id] ?? [])).joined(separator: "\n")
      lines.append(
        "::\(level) file=\(file.inProperty),title=\(ending.word) \(test.id.inProperty)"
          + "::\(text.inCommand)")
    }
    lines.append("::notice file=\(file.inProperty),title=conform::\(summary.inCommand)")
    return lines.joined(separator: "\n") + "\n"
  }
}

extension String {
  /// The text in XML 1.0, where most control characters cannot be written at all.
  fileprivate var inXML: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case _ where scalar.value < 0x20 || (0xFFFE...0xFFFF).contains(scalar.value): result += "?"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The text where a line end would end a result, and a number sign begin a directive.
  fileprivate var onOneLine: String {
    String(map { $0.isNewline ? " " : $0 == "#" ? "\u{FF03}" : $0 })
  }

  /// The text as the message of a workflow command.
  fileprivate var inCommand: String {
    var result = ""
    for character in unicodeScalars {
      switch character {
      case "%": result += "%25"
      case "\r": result += "%0D"
      case "\n": result += "%0A"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  /// The text as a property of a workflow command.
  fileprivate var inProperty: String {
    var result = ""
    for character in inCommand.unicodeScalars {
      switch character {
      case ":": result += "%3A"
      case ",": result += "%2C"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
