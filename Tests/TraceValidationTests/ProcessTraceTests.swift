import Foundation
import Testing

@testable import TraceValidation

@Suite("Traces of processes") struct ProcessTraceTests {
  @Test("QEMU's launch of a TD conforms to kvm/tdx") func tdx() throws {
    let verdict = try RecordedTrace.checker().check(file: RecordedTrace.td.path, format: nil)
    #expect(verdict.conforms)
    #expect(verdict.format == .calls)
    #expect(verdict.calls == 179 && verdict.explained > 35)
    #expect(verdict.undecoded.isEmpty)
    #expect(verdict.kernels.map(\.name) == ["7.3, TDX"])
  }

  @Test("QEMU on 6.18 conforms", arguments: TraceKernel.releases) func plain(
    _ release: String
  ) throws {
    let verdict = try RecordedTrace.checker().check(
      file: RecordedTrace.q35.path, format: nil, release: release)
    #expect(verdict.conforms)
    #expect(verdict.format == .strace)
    #expect(verdict.explained >= 40)
  }

  @Test("the kernel's own test of memfds conforms to 6.18, which it was recorded on")
  func selftest() throws {
    let verdict = try RecordedTrace.checker().check(
      file: RecordedTrace.memfd.path, format: nil, release: "6.18")
    #expect(verdict.conforms, "\(verdict.outcome)")
    #expect(verdict.explained > 12_000)
    #expect(verdict.undecoded.keys.contains("KVM_SET_USER_MEMORY_REGION2"))
  }

  @Test("a generated selftest conforms, whether strace takes requests apart or tells numbers")
  func generated() throws {
    let verdicts = try [RecordedTrace.generated, .generatedRaw].map {
      try RecordedTrace.checker().check(file: $0.path, format: nil, release: "6.18")
    }
    for verdict in verdicts { #expect(verdict.conforms, "\(verdict.outcome)") }
    #expect(verdicts[0].explained == verdicts[1].explained && verdicts[0].explained > 50)
    #expect(verdicts[0].undecoded == verdicts[1].undecoded)
  }

  @Test(
    "what trace-cmd and bpftrace record of a program conforms",
    arguments: [
      (RecordedTrace.traced, SystemCallFormat.traceCmd, 10), (.tracedRaw, .traceCmd, 10),
      (.traceScript, .calls, 8),
    ])
  func tracers(trace: RecordedTrace, format: SystemCallFormat, explained: Int) throws {
    let verdict = try RecordedTrace.checker().check(file: trace.path, format: nil, release: nil)
    #expect(verdict.conforms, "\(verdict.outcome)")
    #expect(verdict.format == format)
    #expect(verdict.explained == explained)
    #expect(verdict.vms == 1)
  }

  @Test("a hundred thousand calls of many VMs are checked in seconds") func speed() throws {
    let lines = try RecordedTrace.q35.lines()
    let rest = Array(
      repeating: "16084 futex(0x55710c447f14, FUTEX_WAKE_PRIVATE, 1) = 0", count: 1500)
    let trace = (0..<50).flatMap { _ in lines.dropLast(4) + rest }
    let clock = ContinuousClock()
    let start = clock.now
    let verdict = try RecordedTrace.check(trace)
    #expect(verdict.conforms)
    #expect(verdict.vms == 50 && trace.count > 95_000)
    // Many times what an idle machine needs.
    #expect(clock.now - start < .seconds(30))
  }

  @Test("what a call would answer comes with every check") func why() throws {
    let checker = try RecordedTrace.checker()
    let forecast = try checker.forecast(
      "KVM_TDX_INIT_VCPU", after: RecordedTrace.td.path, format: nil)
    let answer = try #require(forecast.answers.first)
    #expect(answer.answer == "EINVAL")
    #expect(answer.looked.last?.holds == false)
    let others = answer.looked.dropLast().filter { !$0.holds }
    #expect(others.isEmpty)
    let facts = answer.looked.flatMap(\.check.citations)
    #expect(facts.contains { $0.hasPrefix("kvm-tdx") })
    #expect(throws: TraceError.self) {
      try checker.forecast("KVM_RUN on=vcpu9", after: RecordedTrace.td.path, format: nil)
    }
  }

  @Test("overlapping bindings tell 6.18 from 7.3") func profile() throws {
    func region(_ slot: Int, _ gpa: String, _ rest: String) -> String {
      #"{"fd":4,"ioctl":"KVM_SET_USER_MEMORY_REGION2","slot":\#(slot),"flags":4,"#
        + #""gpa":"\#(gpa)","size":"0x2000","hva":"0x7f0000000000","gmem_off":"0","gmem_fd":5,"#
        + rest + "}"
    }
    let lines = [
      #"{"fd":3,"ioctl":"KVM_CREATE_VM","arg":0,"ret":4,"errno":0}"#,
      #"{"fd":4,"ioctl":"KVM_CREATE_GUEST_MEMFD","size":"0x2000","flags":"1","ret":5,"errno":0}"#,
      region(0, "0", #""ret":0,"errno":0"#),
      region(1, "0x10000", #""ret":-1,"errno":22"#),
    ]
    let verdict = try RecordedTrace.check(lines)
    #expect(verdict.conforms)
    #expect(verdict.kernels.map(\.name) == ["6.18"])
    let refused = try RecordedTrace.check(lines, release: "7.3")
    guard case .refused(let refusal) = refused.outcome else {
      Issue.record("\(refused.outcome)")
      return
    }
    #expect(refusal.line == 4)
    #expect(refusal.allowed.map(\.answer) == ["EEXIST"])
  }

  @Test("a child of fork is told apart, a thread is not") func children() throws {
    let lines = [
      #"10 openat(AT_FDCWD, "/dev/kvm", O_RDWR|O_CLOEXEC) = 3"#,
      "10 ioctl(3, KVM_CREATE_VM, 0) = 4",
      "10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 11",
      "11 ioctl(4, KVM_CREATE_VCPU, 0) = -1 EIO (Input/output error)",
      "11 close(4) = 0",
      "11 +++ exited with 0 +++",
      "10 ioctl(4, KVM_CREATE_VCPU, 0 <unfinished ...>",
      "10 <... ioctl resumed>) = 5",
    ]
    #expect(try RecordedTrace.check(lines).conforms)
    let threads = lines.map {
      $0.replacing("CLONE_CHILD_CLEARTID|SIGCHLD", with: "CLONE_VM|CLONE_FILES")
    }
    #expect(try RecordedTrace.check(threads).refusedLine == 4)
  }

  @Test("a copy of a descriptor keeps its file") func copies() throws {
    let lines = [
      "ioctl(3</dev/kvm>, KVM_CREATE_VM, 0) = 4<anon_inode:kvm-vm>", "dup(4) = 7", "close(4) = 0",
      "ioctl(7, KVM_CREATE_VCPU, 0) = 5", "close(7) = 0",
      "ioctl(7, KVM_CREATE_VCPU, 1) = -1 EBADF (Bad file descriptor)",
    ]
    #expect(try RecordedTrace.check(lines).conforms)
    let used = lines.dropLast() + ["ioctl(7, KVM_CREATE_VCPU, 1) = 6"]
    #expect(try RecordedTrace.check(Array(used)).refusedLine == 6)
  }

  @Test("trace-cmd's text is read") func traceCmd() throws {
    let lines = [
      "cpus=4",
      "  q-77 [001]  9.01: sys_enter_ioctl: fd: 0x0000000b, cmd: 0x0000ae01, arg: 0x00000000",
      "  q-77 [001]  9.02: sys_exit_ioctl: 0xc",
      "  q-77 [001]  9.03: kvm_entry: vcpu 0, rip 0xfff0",
      "  q-77 [001]  9.04: sys_enter: NR 16 (c, ae41, 0, 0, 0, 0)",
      "  q-77 [001]  9.05: sys_exit: NR 16 = 13",
      "  q-77 [001]  9.06: sys_enter_ioctl: fd: 0x0000000c, cmd: 0x0000ae41, arg: 0x00000000",
      "  q-77 [001]  9.07: sys_exit_ioctl: 0xffffffffffffffef",
    ]
    let verdict = try RecordedTrace.check(lines)
    #expect(verdict.format == .traceCmd)
    #expect(verdict.conforms)
    #expect(verdict.explained == 3)
    let wrong = lines.dropLast() + ["  q-77 [001]  9.07: sys_exit_ioctl: 0xd"]
    #expect(try RecordedTrace.check(Array(wrong)).refusedLine == 8)
  }
}
