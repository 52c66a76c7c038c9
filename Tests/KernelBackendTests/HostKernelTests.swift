import BackendProcess
import ConformanceKit
import Foundation
import KVMBackend
import Testing

/// The runner on this machine's KVM, where there is one.
@Suite(.serialized) struct HostKernelTests {
  private static func backend() -> ProcessBackend {
    ProcessBackend("exec '\(RunnerProgram.path)'", limits: .init(call: 20, other: 40))
  }

  /// Runs the body where there is a device, and says in one line where not.
  private func onKernel(_ body: (inout ProcessBackend) throws -> Void) throws {
    if let reason = RunnerProgram.missingDevice {
      print(reason)
      return
    }
    var backend = Self.backend()
    #expect(try backend.probe().capabilities.contains("vm-type:0"))
    try backend.reset()
    try body(&backend)
  }

  @Test("a VM, a memfd, and the answers to wrong calls")
  func lives() throws {
    try onKernel { backend in
      let create = Call("KVM_CREATE_VM", ["new": "vm0", "type": 0])
      #expect(try backend.perform(create).outcome == .ok(0))
      let memory = Call(
        "KVM_CREATE_GUEST_MEMFD", ["on": "vm0", "new": "g", "size": "0x2000", "flags": "0x0"])
      #expect(try backend.perform(memory).outcome == .ok(0))
      let status = try backend.perform(Call("fstat", ["on": "g"]))
      #expect(status == CallResult(.ok(0), written: ["size": 0x2000]))
      var odd = memory
      odd.arguments["size"] = "0x1001"
      #expect(try backend.perform(odd).outcome == .errno(Errno(number: 22)))
      var foreign = memory
      foreign.arguments["by"] = "child"
      #expect(try backend.perform(foreign).outcome == .errno(Errno(number: 5)))
      #expect(try backend.perform(Call("close", ["on": "g"])).outcome == .ok(0))
      #expect(
        try backend.perform(Call("fstat", ["on": "g"])).outcome == .errno(Errno(number: 9)))
      #expect(try backend.conclude().isEmpty)
    }
  }

  @Test("a touched byte is read, and one behind the buffer is a signal")
  func touches() throws {
    try onKernel { backend in
      let inside = Call("touch", ["on": "buf", "offset": "0x0", "write": false])
      let first = try backend.perform(inside)
      #expect(first.written["value"] == 0xF4)
      let behind = Call("touch", ["on": "buf", "offset": "0x800000", "write": false])
      let second = try backend.perform(behind)
      #expect(second.written["signal"] == "SEGV")
    }
  }

  @Test(
    "what may harm a machine that others use is not done",
    arguments: [
      Call("KVM_RUN", ["on": "vcpu0"]),
      Call("KVM_CREATE_VCPU", ["on": "vm0", "new": "vcpu0", "id": 0]),
      Call(
        "KVM_SET_USER_MEMORY_REGION2",
        [
          "on": "vm0", "slot": 0, "flags": 0, "gpa": "0x0", "size": "0x10000000000",
          "hva": "buf+0x0",
        ]),
      Call(
        "fallocate",
        ["on": "large", "mode": "KEEP_SIZE", "offset": "0x0", "len": "0x10000000"]),
    ])
  func hazards(call: Call) throws {
    try onKernel { backend in
      _ = try backend.perform(Call("KVM_CREATE_VM", ["new": "vm0", "type": 0]))
      _ = try backend.perform(
        Call(
          "KVM_CREATE_GUEST_MEMFD",
          ["on": "vm0", "new": "large", "size": "0x40000000", "flags": "0x0"]))
      do {
        _ = try backend.perform(call)
        Issue.record("\(call) was made")
      } catch let error as BackendError {
        let isRefused = error.kind == .unknownCall && error.message.contains("is not made")
        #expect(isRefused, "\(error)")
      }
    }
  }

  @Test("races are refused, and nothing is left of a test")
  func endings() throws {
    if let reason = RunnerProgram.missingDevice {
      print(reason)
      return
    }
    let runner = try RunnerProgram()
    let race =
      #"{"id":2,"do":"race","threads":[[{"name":"exit"}],[{"name":"exit"}]],"attempt":0}"#
    _ = try runner.reply(#"{"id":1,"do":"reset"}"#)
    #expect(try runner.reply(race)["error"] != nil)
    let call = #"{"name":"KVM_CREATE_VM","args":{"new":"vm0","type":0}}"#
    _ = try runner.reply(#"{"id":3,"do":"perform","call":\#(call)}"#)
    #expect(Self.machines(of: runner.pid) == 1)
    _ = try runner.reply(#"{"id":4,"do":"conclude"}"#)
    #expect(Self.machines(of: runner.pid) == 0)
    #expect(try runner.end() == 0)
  }

  /// How many descriptors of VMs a process and its children have.
  private static func machines(of pid: Int32) -> Int {
    let files = FileManager.default
    let list = "/proc/\(pid)/task/\(pid)/children"
    let children = try? String(contentsOfFile: list, encoding: .utf8)
    let all = ["\(pid)"] + (children ?? "").split(separator: " ").map(String.init)
    return all.reduce(0) { count, process in
      let folder = "/proc/\(process)/fd"
      let links = (try? files.contentsOfDirectory(atPath: folder)) ?? []
      let ofMachines = links.filter {
        (try? files.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")) == "anon_inode:kvm-vm"
      }
      return count + ofMachines.count
    }
  }
}
