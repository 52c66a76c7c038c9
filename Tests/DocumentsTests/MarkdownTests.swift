import Catalogue
import Documents
import SpecLanguage
import Testing

@Suite struct MarkdownTests {
  @Test func aTableThatFitsIsNotBroken() {
    var table = MarkdownTable(["a", "b"])
    table.add([["one two"], ["3"]])
    #expect(table.lines() == ["| a       | b |", "|---------|---|", "| one two | 3 |"])
  }

  @Test func aWideCellGoesOnInTheNextLine() {
    var table = MarkdownTable(["a", "b"])
    table.add([["one two three"], ["3", "4"]])
    #expect(
      table.lines(width: 15) == [
        "| a       | b |", "|---------|---|", "| one two | 3 |", "| three   | 4 |",
      ])
  }

  @Test func aWordThatIsTooLongIsBrokenAfterASign() {
    #expect(
      WrappedText.lines("KVM_SET_USER_MEMORY_REGION2", width: 14)
        == ["KVM_SET_USER_", "MEMORY_REGION2"])
    #expect(WrappedText.lines("abcdefgh", width: 3) == ["abc", "def", "gh"])
  }

  @Test func barsAreEscaped() {
    var table = MarkdownTable(["status"])
    table.add([["TDX_OPERAND_BUSY|TDR"]])
    #expect(table.lines().last == "| TDX_OPERAND_BUSY\\|TDR |")
  }
}

/// Reads Markdown as far as documents use it.
enum MarkdownCheck {
  /// Every line fits a mail, and every table has the same number of cells in each row.
  static func expectValid(_ text: String) {
    var columns: Int?
    var isCode = false
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      #expect(line.count <= WrappedText.mailWidth, "line \(index + 1): \(line)")
      if line.hasPrefix("```") { isCode.toggle() }
      let isListByAccident = ["+ ", "* ", "> "].contains { line.hasPrefix($0) }
      #expect(isCode || !isListByAccident, "line \(index + 1): \(line)")
      guard line.hasPrefix("|"), !isCode else {
        #expect(columns == nil || line.isEmpty, "text right after a table, line \(index + 1)")
        columns = nil
        continue
      }
      let cells = cells(line)
      if let columns { #expect(cells == columns, "line \(index + 1): \(line)") }
      columns = cells
    }
    #expect(!isCode)
  }

  /// Bars that are not escaped stand between cells and at both ends.
  private static func cells(_ line: Substring) -> Int {
    var count = 0
    var isEscaped = false
    for character in line {
      if character == "|", !isEscaped { count += 1 }
      isEscaped = character == "\\" && !isEscaped
    }
    return count - 1
  }
}

@Suite struct DocumentTests {
  /// With a limit, so that the largest specs are read as well; they say BOUNDED.
  @Test(arguments: Catalogue.all.map(\.name))
  func everySpecMakesAValidDocument(_ name: String) throws {
    let program = try Support.program(name)
    let survey = try Support.survey(program, maxStates: 3000)
    let document = SpecDocument(program, scope: nil, survey: survey, report: nil)
    let text = document.text()
    MarkdownCheck.expectValid(text)
    #expect(text.hasPrefix("# \(name)\n"))
    #expect(text.contains("BOUNDED") != survey.isComplete)
    for action in program.spec.actions {
      #expect(text.contains("### \(WrappedText.escaped(action.name))"))
    }
  }

  @Test func aDocumentIsTheSameEveryTime() throws {
    let texts = try (0..<3).map { _ in
      let program = try Support.program(SlotSpec())
      let survey = try Support.survey(program)
      return SpecDocument(program, scope: nil, survey: survey, report: nil).text()
    }
    #expect(Set(texts).count == 1)
  }

  @Test func aDocumentCanBeAboutOneCall() throws {
    let program = try Support.program(SlotSpec())
    let survey = try Support.survey(program)
    func text(_ call: String?, _ section: SpecDocument.Section) -> String {
      SpecDocument(program, scope: nil, survey: survey, report: nil, call: call).text(of: section)
    }
    #expect(text(nil, .outcomes).contains("CLOSE"))
    let fill = text("FILL", .outcomes)
    #expect(fill.contains("FILL") && !fill.contains("CLOSE") && !fill.contains("SEAL"))
    #expect(text("FILL", .locks).isEmpty)
    #expect(!text("FILL", .examples).contains("CLOSE answers"))
    #expect(text("FILL", .examples).contains("FILL answers"))
    #expect(text("SEAL", .locks).contains("### SEAL"))
    #expect(text("SEAL", .examples).contains("SEAL answers"))
    #expect(!text("SEAL", .examples).contains("FILL answers"))
    #expect(text("SEAL", .outcomes).isEmpty)
  }

  @Test func checksStandInOrderWithTheirAnswers() throws {
    let spec = try #require(Catalogue.entry(named: "teardown/terminate-vm-v4")).describe()
    let action = try #require(spec.actions.first)
    let list = CheckList(action, of: spec)
    #expect(list.items.compactMap(\.answer) == ["-EIO", "-EBUSY"])
    #expect(list.called.map(\.name).contains("TDH.MNG.VPFLUSHDONE"))
    let flushDone = try #require(list.called.first { $0.name == "TDH.MNG.VPFLUSHDONE" })
    #expect(
      flushDone.items.compactMap(\.answer) == [
        "TDX_OPERAND_BUSY|TDR", "TDX_LIFECYCLE_STATE_INCORRECT", "TDX_FLUSHVP_NOT_DONE",
      ])
  }
}
