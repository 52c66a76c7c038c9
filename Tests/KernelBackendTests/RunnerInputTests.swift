import ConformanceKit
import Foundation
import Testing

@testable import KVMBackend

/// What the runner makes of requests that it cannot use; no device is needed.
@Suite struct RunnerInputTests {
  private func kind(_ reply: [String: Any]) -> String? {
    (reply["error"] as? [String: Any])?["kind"] as? String
  }

  @Test(
    "bad lines are answered with an error, and the runner goes on",
    arguments: [
      "", "x", "{", "[]", "null", "{\"id\":1}", "{\"id\":\"a\",\"do\":\"probe\"}",
      "{\"id\":1,\"do\":\"fly\"}", "{\"id\":1,\"do\":\"perform\"}",
      "{\"id\":1,\"do\":\"perform\",\"call\":{}}", "{\"id\":1,\"do\":\"perform\",\"call\":7}",
      "{\"id\":1,\"do\":\"perform\",\"known\":-1}", "{\"id\":1,\"do\":\"perform\",\"known\":3}",
      "{\"id\":1,\"do\":\"race\",\"threads\":[],\"attempt\":0}",
      "{\"id\":1,\"do\":\"perform\",\"call\":{\"name\":\"close\",\"args\":{\"on\":1.5}}}",
      "{\"id\":1,\"do\":\"perform\",\"call\":{\"name\":\"close\"}}", "\u{0}\u{1}", "\"\\ud800\"",
    ])
  func badLines(line: String) throws {
    let runner = try RunnerProgram()
    #expect(kind(try runner.reply(line)) != nil)
    let conclusion = try runner.reply("{\"id\":9,\"do\":\"conclude\"}")
    #expect(conclusion["id"] as? Int == 9 && conclusion["complaints"] != nil)
    #expect(try runner.end() == 0)
  }

  @Test("mutated requests never end the runner")
  func mutatedLines() throws {
    let runner = try RunnerProgram()
    let line = Array(
      """
      {"id":4,"do":"perform","call":{"name":"KVM_CREATE_VM","args":{"new":"vm0","type":0}}}
      """.utf8)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      var mutated = line
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: mutated.indices, using: &random)
        mutated[place] = UInt8.random(in: 32...126, using: &random)
      }
      let reply = try runner.reply(String(decoding: mutated, as: UTF8.self))
      #expect(reply["id"] != nil)
    }
    #expect(try runner.end() == 0)
  }

  @Test("options that are not there are refused")
  func options() throws {
    #expect(throws: RunnerOptions.UnknownOption.self) { try RunnerOptions(["--fly"]) }
    #expect(throws: RunnerOptions.UnknownOption.self) { try RunnerOptions(["--call-limit", "0"]) }
    let options = try RunnerOptions(["--allow-run", "--call-limit", "3"])
    #expect(options.allowsRun && !options.ownsKernel && options.callLimit == 3_000)
  }

  @Test(
    "the usual request is read as JSON reads it, and every other one is left to JSON",
    arguments: [
      #"{"do":"perform","id":7,"known":12}"#, #"{"do":"perform","id":0,"known":0}"#,
      #"{"do":"perform","id":07,"known":1}"#, #"{"do":"perform","id":7,"known":-1}"#,
      #"{"do":"perform","id":7,"known":1} "#, #"{"do":"perform","id":,"known":1}"#,
      #"{"do":"perform","id":7,"known":1"#, #"{"id":7,"do":"perform","known":3}"#,
      #"{"do":"perform","id":7,"known":99999999999999999999}"#, #"{"do":"reset","id":7}"#,
    ])
  func shortRequests(line: String) {
    let bytes = Array(line.utf8)
    let read = try? RunnerRequest.read(bytes)
    let decoded = try? StrictJSON.decode(RunnerRequest.self, from: bytes)
    #expect(read?.id == decoded?.id && read?.verb == decoded?.verb)
    #expect(read?.known == decoded?.known && read?.call == decoded?.call)
  }

  @Test(
    "the usual reply means what its JSON means",
    arguments: [
      CallResult(.ok(0)), CallResult(.ok(-3)), CallResult(.errno(Errno(number: 22))),
      CallResult(.errno(Errno(number: 999)), written: ["seamcalls": .list([])]),
      CallResult(.ok(0), written: ["seamcalls": .list(["TDH.VP.FLUSH ok"])]),
      CallResult(.timeout), CallResult(.ok(0), written: ["size": 4096]),
    ])
  func shortReplies(result: CallResult) throws {
    var reply = RunnerReply(5)
    reply.result = result
    struct Read: Decodable {
      let id: Int
      let result: CallResult
    }
    for line in [try reply.line(), try StrictJSON.line(reply)] {
      let read = try StrictJSON.decode(Read.self, from: line)
      #expect(read.id == 5 && read.result == result)
      #expect(line.last == UInt8(ascii: "\n"))
    }
  }

  @Test("delays come thread by thread, ever longer, and end")
  func delays() {
    let plan = RacePlan(attempts: 6, unit: 10)
    let all = (0..<8).map { plan.delays($0, threads: 2) }
    #expect(
      all == [[0, 0], [10, 0], [0, 10], [20, 0], [0, 20], [40, 0], nil, nil])
  }

  @Test("lines of the kernel's log that report something broken")
  func complaints() {
    #expect(KernelLog.isComplaint("WARNING: arch/x86/kvm/vmx/tdx.c:1615 at tdx_x()"))
    #expect(KernelLog.isComplaint("BUG: kernel NULL pointer dereference, address: 0"))
    #expect(!KernelLog.isComplaint("kvm: kvm [12]: vcpu0, unhandled rdmsr"))
  }
}
