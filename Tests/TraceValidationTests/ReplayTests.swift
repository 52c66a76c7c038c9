import Catalogue
import Foundation
import SpecLanguage
import SpecProgram
import Testing

@testable import TraceValidation

@Suite("Replaying recorded calls of the TDX module") struct ReplayTests {
  static func program(_ overrides: [String: Int] = [:]) throws -> Program {
    let spec = try #require(Catalogue.entry(named: ModuleTraceCheck.spec)).describe()
    return try Program(
      spec, ResolvedScope(spec, scope: ModuleTraceCheck.scope, overrides: overrides))
  }

  /// The check of a text of lines.
  static func check(_ text: String, name: String = "trace.jsonl") throws -> ModuleTraceCheck {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: file)
    var check = try ModuleTraceCheck(program(), limit: 100)
    try check.check(file: file.path) { _ in }
    return check
  }

  /// A call that creates a TD, and its answer.
  static func create(
    code: String = "0x0000000000000000", status: String = "TDX_SUCCESS",
    page: String = "[\"TDR\"]", state: String = "TD_HKID_ASSIGNED"
  ) -> String {
    """
    {"leaf":"MNG.CREATE","lp":0,"args":{"td":"td:0","page":"page:0","hkid":"hkid:0"},\
    "status":"\(status)","code":"\(code)","delta":{"td:0.lifecycle_state":"\(state)",\
    "td:0.fatal":false,"td:0.chldcnt":0,"td:0.num_tdcx":0,"td:0.hkid":"hkid:0",\
    "td:0.key_pkgs":0,"hkid:0":["HKID_ASSIGNED",0],"page:0":\(page)}}
    """
  }

  static func line(_ calls: String...) -> String {
    "{\"id\":\"x\",\"calls\":[\(calls.joined(separator: ","))]}\n"
  }

  @Test("every call of the sample agrees, in every pair of leaf and answer") func sample() throws {
    var check = try ModuleTraceCheck(Self.program(), limit: 5)
    try check.check(file: Recorded.sample) { _ in }
    #expect(check.disagreements.isEmpty)
    #expect(check.tally.sequences == Recorded.sequences)
    #expect(check.tally.total.agreed == Recorded.calls)
    #expect(check.tally.total.compared == Recorded.calls)
    #expect(check.tally.cells.count == Recorded.cells)
    #expect(check.tally.isEnough)
  }

  @Test("a wrong status, code, state or owner is found and named") func disagreements() throws {
    #expect(try Self.check(Self.line(Self.create())).tally.isEnough)
    let wrong = [
      ("status", Self.create(code: "0xc000082000000000", status: "TDX_HKID_NOT_FREE")),
      ("code", Self.create(code: "0x0000000000000001")),
      ("page:0", Self.create(page: "[\"TDCX\",\"td:0\"]")),
      ("td:0.lifecycle_state", Self.create(state: "TD_BLOCKED")),
    ]
    for (what, call) in wrong {
      let check = try Self.check(Self.line(call, Self.create()))
      let found = try #require(check.disagreements.first)
      #expect(found.differences.first?.what == what)
      #expect(found.call == 1)
      #expect(check.tally.notReached == 1)
      #expect(!check.tally.isEnough)
    }
  }

  @Test("the check that answered is named with its place") func answeredBy() throws {
    let again = Self.create().replacingOccurrences(of: "td:0\",\"page", with: "td:1\",\"page")
    let found = try #require(
      try Self.check(Self.line(Self.create(), again)).disagreements.first)
    #expect(found.check.contains("TDH.MNG.CREATE"))
    #expect(found.check.contains("TDXModule+Operands.swift:"))
    #expect(found.differences.first?.got == "TDX_PAGE_METADATA_INCORRECT")
  }

  @Test(
    "lines that are not of the format are refused with their place",
    arguments: [
      "{\"id\":\"x\"}\n", "[]\n", "{\"id\":\"x\",\"calls\":[{\"leaf\":\"MEM.TRACK\"}]}\n",
      "{\"id\":\"x\",\"calls\":[{\"leaf\":\"NO.SUCH\",\"lp\":0,\"args\":{}}]}\n",
      "{\"id\":\"x\",\"calls\":[{\"leaf\":\"MEM.TRACK\",\"lp\":0,\"args\":{\"td\":\"td:9\"}}]}\n",
      "{\"id\":\"x\",\"calls\":[{\"leaf\":\"MEM.TRACK\",\"lp\":0,"
        + "\"args\":{\"td\":\"page:0\",\"x\":1}}]}\n",
      "{\"id\":\"x\",\"calls\":[{\"leaf\":\"MEM.TRACK\",\"lp\":0,\"new\":1}]}\n", "{\"id\": x}\n",
    ])
  func malformed(text: String) throws {
    let error = #expect(throws: TraceError.self) {
      try Self.check("\n" + text)
    }
    #expect(error?.kind == .unusable)
    #expect(error?.description.contains("trace.jsonl:2") == true)
  }

  @Test("a file that ends within a line is torn; what came before counts") func torn() throws {
    let error = #expect(throws: TraceError.self) {
      try Self.check(Self.line(Self.create()) + "{\"id\":\"y\",\"ca")
    }
    #expect(error?.kind == .torn)
    let whole = try Self.check(String(Self.line(Self.create()).dropLast()))
    #expect(whole.tally.total.agreed == 1)
  }

  @Test("other sizes than the recording's are refused") func sizes() throws {
    let spec = try #require(Catalogue.entry(named: ModuleTraceCheck.spec)).describe()
    let small = try Program(spec, ResolvedScope(spec))
    #expect(throws: TraceError.self) { try ModuleTraceCheck(small, limit: 1) }
    let other = try #require(Catalogue.entry(named: "tdx/hkid")).describe()
    #expect(throws: TraceError.self) {
      try ModuleTraceCheck(Program(other, ResolvedScope(other)), limit: 1)
    }
  }

  @Test("too few agreeing calls of one leaf and answer are too few") func threshold() {
    var tally = ReplayTally()
    for _ in 0..<10_000 { tally.add("A", "x", agreed: true) }
    for number in 0..<20 { tally.add("B", "y", agreed: number > 0) }
    #expect(tally.isEnough)
    tally.add("B", "y", agreed: false)
    #expect(tally.weakCells.map(\.cell.leaf) == ["B"])
    #expect(!tally.isEnough)
    #expect(!ReplayTally().isEnough)
  }

  @Test("an answer that only comes after disagreements is not right") func unreached() {
    var tally = ReplayTally()
    for _ in 0..<1_000 { tally.add("A", "x", agreed: true) }
    tally.skip("A", "x")
    #expect(tally.isEnough)
    tally.skip("A", "y")
    #expect(tally.notReached == 2)
    #expect(tally.weakCells.map(\.cell.answer) == ["y"])
    #expect(!tally.isEnough)
  }
}
