import Testing

@testable import TraceValidation

@Suite("Reading lines of JSON") struct TraceTextTests {
  private func parse(_ text: String) throws -> TraceValue {
    try Array(text.utf8).withUnsafeBufferPointer { try TraceParser.parse($0) }
  }

  @Test(
    "values of every kind",
    arguments: [
      ("null", TraceValue.null), ("true", .bool(true)),
      (" [1, -2,\t\"a\"] ", .list([.number(1), .number(-2), .text("a")])),
      (
        "{\"a\":{\"b\":[]},\"c\":false}",
        .members([("a", .members([("b", .list([]))])), ("c", .bool(false))])
      ),
      ("\"q\\\"\\\\\\n\\u00e9\"", .text("q\"\\\né")),
    ])
  func values(text: String, value: TraceValue) throws {
    #expect(try parse(text) == value)
  }

  @Test(
    "what is no JSON, or no trace, is refused",
    arguments: [
      "nul", "{\"a\" 1}", "[1,]", "1.5", "1e3", "{}{}", "tru", "\"\\x\"", "99999999999999999999",
      "-",
      "[1 2]", "{a:1}",
    ])
  func refused(text: String) {
    #expect(throws: TraceSyntaxError.self) { try parse(text) }
  }

  @Test("a line that ends too soon is torn, a wrong one is not") func torn() throws {
    let text = "{\"id\":\"a\",\"calls\":[{\"leaf\":\"MEM.TRACK\",\"lp\":0}]}"
    for length in 1..<text.utf8.count {
      let error = #expect(throws: TraceSyntaxError.self) {
        try parse(String(text.prefix(length)))
      }
      #expect(error?.isTorn == true, "\(length)")
    }
    let wrong = #expect(throws: TraceSyntaxError.self) { try parse("{\"id\":x}") }
    #expect(wrong?.isTorn == false)
    #expect(wrong?.column == 7)
  }

  @Test("deep nesting is refused, not followed") func depth() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: TraceSyntaxError.self) { try parse(deep) }
  }
}
