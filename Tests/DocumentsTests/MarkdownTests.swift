import Documents
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
      table.lines(width: 16) == [
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
