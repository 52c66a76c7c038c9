import ConformanceKit
import Foundation
import KVMBackend
import Testing

@testable import QEMUBackend

/// The files and the forms of virtual machines, and one machine where everything for it is there.
@Suite struct MachineTests {
  /// Entries of an archive, read back by the rules of the format.
  private func entries(_ bytes: [UInt8]) throws -> [(name: String, mode: Int, contents: [UInt8])] {
    var entries: [(String, Int, [UInt8])] = []
    var place = 0
    while true {
      let text = String(decoding: bytes[place..<place + 110], as: UTF8.self)
      try #require(text.hasPrefix("070701"))
      let fields = (0..<13).compactMap { index -> Int? in
        let start = text.index(text.startIndex, offsetBy: 6 + index * 8)
        return Int(text[start..<text.index(start, offsetBy: 8)], radix: 16)
      }
      try #require(fields.count == 13)
      let nameEnd = place + 110 + fields[11]
      let name = String(decoding: bytes[place + 110..<nameEnd - 1], as: UTF8.self)
      let start = (nameEnd + 3) & ~3
      let end = start + fields[6]
      if name == "TRAILER!!!" {
        #expect((end + 3) & ~3 == bytes.count)
        return entries
      }
      entries.append((name, fields[1], Array(bytes[start..<end])))
      place = (end + 3) & ~3
    }
  }

  @Test("an archive has what was put into it")
  func archive() throws {
    var archive = CpioArchive()
    archive.add(directory: "dev")
    archive.add(device: "dev/console", major: 5, minor: 1)
    archive.add(program: "init", [1, 2, 3, 4, 5])
    archive.add(file: "empty", [])
    let read = try entries(archive.finished())
    #expect(read.map(\.name) == ["dev", "dev/console", "init", "empty"])
    #expect(read.map(\.mode) == [0o040755, 0o020600, 0o100755, 0o100644])
    #expect(read[2].contents == [1, 2, 3, 4, 5] && read[3].contents.isEmpty)
  }

  @Test("a kernel's form comes from its name, or from its file of options")
  func forms() throws {
    #expect(try MachineForm(kernel: "bzImage-7.3-swprot", options: nil) == .amd)
    #expect(try MachineForm(kernel: "bzImage-7.3-faketdx", options: nil) == .standIn)
    let own = try MachineForm(
      kernel: "bzImage", options: "# mine\nqemu 9\nmachine -cpu max -m 512\nappend a=1 b\n")
    #expect(own.oldestVersion == 9 && own.machine == ["-cpu", "max", "-m", "512"])
    #expect(own.append == ["a=1", "b"])
    #expect(throws: BackendError.self) { try MachineForm(kernel: "k", options: "fly high") }
  }

  @Test("which QEMU is there")
  func versions() {
    #expect(QEMUVersion.major("QEMU emulator version 10.0.2 (Debian 1:10.0.2)") == 10)
    #expect(QEMUVersion.major("no such thing") == nil)
  }

  @Test("a static program is told from others")
  func programs() throws {
    let shell = try #require(FileManager.default.contents(atPath: "/bin/sh"))
    #expect(ExecutableFile.isStatic(Array(shell)) == false)
    #expect(ExecutableFile.isStatic([1, 2, 3]) == nil)
    #expect(ExecutableFile.isStatic(Array(shell.prefix(70))) == nil)
  }

  @Test("without a kernel, or with a runner that is not static, there is nothing to test")
  func missing() {
    let none = QEMUBackend.Setup(kernel: "/nowhere/bzImage", runner: "/bin/sh")
    #expect(throws: BackendError.self) { _ = try QEMUBackend(none) }
  }

  @Test("a kernel boots and makes a VM", .timeLimit(.minutes(5)))
  func boots() throws {
    let environment = ProcessInfo.processInfo.environment
    guard let kernels = environment["TDXSPEC_KERNELS"],
      let runner = environment["TDXSPEC_KVM_STATIC_RUNNER"]
    else {
      print("SKIPPED: TDXSPEC_KERNELS and TDXSPEC_KVM_STATIC_RUNNER are not set")
      return
    }
    let create = Call("KVM_CREATE_VM", ["new": "vm0", "type": 1])
    var setup = QEMUBackend.Setup(kernel: "\(kernels)/bzImage-7.3-swprot", runner: runner)
    setup.known = [create]
    var backend = try QEMUBackend(setup)
    #expect(try backend.probe().capabilities.isSuperset(of: ["vm-type:1", "race", "run:1"]))
    try backend.reset()
    #expect(try backend.perform(create).outcome == .ok(0))
    #expect(try backend.observe()["vm0.dead"] == false)
    #expect(try backend.conclude().isEmpty)
  }
}
