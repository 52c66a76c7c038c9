import Catalogue
import Foundation
import SpecLanguage
import SpecProgram
import Testing

@testable import TraceValidation

@Suite("Replaying recorded answers of KVM") struct KVMReplayTests {
  static let sample = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Conformance/Recorded/kvm-answers-sample.jsonl.gz").path

  static func spec() throws -> SpecDescription {
    try #require(Catalogue.entry(named: KVMTraceCheck.spec)).describe()
  }

  /// The check of one sequence.
  static func check(
    _ steps: [String], environment: String = KVMTraceCheck.environment, exit: String = "[]"
  ) throws -> KVMTraceCheck {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).jsonl")
    defer { try? FileManager.default.removeItem(at: file) }
    let line = """
      {"id":"x","env":"\(environment)","cpus":2,"steps":[\(steps.joined(separator: ","))],\
      "at_exit":\(exit)}

      """
    try Data(line.utf8).write(to: file)
    var check = KVMTraceCheck(try spec(), limit: 100)
    try check.check(file: file.path) { _ in }
    return check
  }

  static let create = """
    {"op":"KVM_CREATE_VM","args":{"new":"vm0","type":5},"ret":0,"seamcalls":[]}
    """

  static func initVM(_ leaves: [String], answer: String = "\"ret\":0") -> String {
    let list = leaves.map { "[\"\($0)\",\"ok\",{\"td\":\"vm0\"}]" }.joined(separator: ",")
    return """
      {"op":"KVM_TDX_INIT_VM","args":{"on":"vm0","flags":0,"attributes":"0x10000000",\
      "xfam":"0x3","gpaw":48},\(answer),"seamcalls":[\(list)]}
      """
  }

  static let leaves = [
    "TDH.MNG.CREATE", "TDH.MNG.KEY.CONFIG", "TDH.MNG.ADDCX", "TDH.MNG.ADDCX", "TDH.MNG.INIT",
    "TDH.MNG.RD",
  ]

  static let end = """
    [["TDH.MNG.VPFLUSHDONE","ok"],["TDH.PHYMEM.CACHE.WB","ok"],["TDH.MNG.KEY.FREEID","ok"],\
    ["TDH.PHYMEM.PAGE.RECLAIM","ok",{"count":3}],["TDH.PHYMEM.PAGE.WBINVD","ok"]]
    """

  @Test("every answer and every list of the sample agrees") func sample() throws {
    var check = KVMTraceCheck(try Self.spec(), limit: 5)
    try check.check(file: Self.sample) { _ in }
    #expect(check.disagreements.isEmpty)
    #expect(check.isEnough)
    #expect(check.answers.sequences == 40)
    #expect(check.answers.total.compared > 600)
    #expect(check.answers.total.agreed == check.answers.total.compared)
    #expect(check.lists.total.agreed == check.lists.total.compared)
  }

  @Test("a right sequence agrees, down to what its end releases") func agrees() throws {
    let check = try Self.check([Self.create, Self.initVM(Self.leaves)], exit: Self.end)
    #expect(check.disagreements.isEmpty)
    #expect(check.isEnough)
    #expect(check.answers.total.compared == 2)
    #expect(check.lists.total.compared == 3)
  }

  @Test("a wrong answer ends the sequence and names the check") func wrongAnswer() throws {
    let wrong = Self.initVM([], answer: "\"ret\":-1,\"errno\":\"EBUSY\"")
    let again = Self.initVM([])
    let check = try Self.check([Self.create, Self.initVM(Self.leaves), again, wrong])
    let found = try #require(check.disagreements.first)
    #expect(found.call == 3)
    #expect(found.differences.first?.got == "EINVAL")
    #expect(found.check.contains("TDXVM+InitVM.swift:"))
    #expect(check.answers.notReached == 1)
    #expect(!check.isEnough)
  }

  @Test("a SEAMCALL that is missing, too many or in another place is found") func lists() throws {
    for leaves in [
      Array(Self.leaves.dropFirst()), Self.leaves + ["TDH.MNG.KEY.FREEID"],
      ["TDH.MNG.KEY.CONFIG", "TDH.MNG.CREATE"] + Self.leaves.dropFirst(2),
    ] {
      let check = try Self.check([Self.create, Self.initVM(leaves)])
      #expect(check.answers.isEnough)
      #expect(!check.lists.isEnough)
      let found = try #require(check.disagreements.first)
      #expect(found.differences.first?.what.hasPrefix("SEAMCALL") == true)
    }
    let early = try Self.check([Self.create, Self.initVM(Self.leaves)], exit: "[]")
    #expect(!early.isEnough)
  }

  @Test("sequences of other environments are passed over") func environments() throws {
    let check = try Self.check([Self.create], environment: "kvm-6.18-default")
    #expect(check.passedOver == 1)
    #expect(!check.isEnough)
  }

  @Test("a line that is not of the format is refused") func format() {
    #expect(throws: TraceError.self) { try Self.check(["{\"op\":\"KVM_RUN\"}"]) }
    #expect(throws: TraceError.self) {
      try Self.check(["{\"op\":\"KVM_RUN\",\"args\":{\"on\":\"vcpu0\"},\"ret\":0}"])
    }
  }

  @Test("cuts of a file and of the GPAs that it backs are the same") func geometry() throws {
    let texts = [
      """
      {"op":"KVM_SET_USER_MEMORY_REGION2","args":{"on":"vm0","slot":0,"gpa":"0x10000",\
      "size":"0x4000","flags":4,"hva":"buf+0x0","gmem":"gmem0","gmem_offset":"0x2000"},"ret":0}
      """,
      """
      {"op":"fallocate","args":{"on":"gmem0","mode":"KEEP_SIZE","offset":"0x3000",\
      "len":"0x1000"},"ret":0}
      """,
    ]
    let steps = try texts.map { text in
      try Array(text.utf8).withUnsafeBufferPointer { try KVMStep(TraceParser.parse($0)) }
    }
    let geometry = KVMGeometry(steps)
    #expect(geometry.pages.map(\.start) == [0x10000, 0x11000, 0x12000])
    #expect(geometry.files["gmem0"]?.map(\.start) == [0x2000, 0x3000, 0x4000])
    #expect(geometry.shift(0x10000, "gmem0", 0x2000) == 0)
    #expect(geometry.extent("gmem0", 0x3000, 0x1000) == 0b010)
    #expect(geometry.pages(0x11000, 0x3000) == 0b110)
  }
}
