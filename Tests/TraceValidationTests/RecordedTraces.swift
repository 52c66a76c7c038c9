import Catalogue
import Foundation
import SpecLanguage
import Testing

@testable import TraceValidation

/// Traces of real programs in Conformance/Recorded.
enum RecordedTrace: String {
  /// QEMU 11.1.3 launches a TD on 7.3 over a stand-in module, and quits.
  case td = "qemu-tdx.jsonl.gz"
  /// QEMU 11.1.3 with two vCPUs on 6.18; calls that have nothing to do with KVM are left out.
  case q35 = "qemu-q35.strace.gz"
  /// The kernel's guest_memfd_test on 6.18.
  case memfd = "guest-memfd-test.strace.gz"
  /// Six tests of a generated selftest on 6.18, by strace 6.1 with `-f -ttt -yy`.
  case generated = "selftest-6.18-yy.strace.gz"
  /// The same by strace 6.1 with `-f -ttt -X raw`.
  case generatedRaw = "selftest-6.18-raw.strace.gz"
  /// The recorder's example on a 7.3 of `tdxspec kernel build`, by trace-cmd 3.1 with
  /// `-e syscalls:…` of each call.
  case traced = "example.trace-cmd.gz"
  /// The same with `-e raw_syscalls`.
  case tracedRaw = "example-raw.trace-cmd.gz"
  /// The same program on 6.18, by the recorder's script with bpftrace 0.17.
  case traceScript = "example-bpftrace.jsonl.gz"

  var path: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Conformance/Recorded/\(rawValue)").path
  }

  func lines() throws -> [String] {
    let file = try TraceFile(path)
    return file.lines.indices.map { String(decoding: file.bytes(of: $0), as: UTF8.self) }
  }

  static func checker() throws -> SystemCallCheck {
    let specs = try SystemCallCheck.specs.map {
      try #require(Catalogue.entry(named: $0)).describe()
    }
    return SystemCallCheck(td: specs[0], gmem: specs[1])
  }

  /// The verdict on a text; the last line has its end unless it is told to be torn.
  static func check(
    _ lines: [String], torn: Bool = false, release: String? = nil,
    with checker: SystemCallCheck? = nil
  ) throws -> SystemCallVerdict {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).trace")
    defer { try? FileManager.default.removeItem(at: file) }
    let text = lines.joined(separator: "\n") + (torn ? "" : "\n")
    try Data(text.utf8).write(to: file)
    return try (checker ?? Self.checker()).check(file: file.path, format: nil, release: release)
  }
}

extension SystemCallVerdict {
  var conforms: Bool { if case .conforms = outcome { true } else { false } }

  /// The line of the first call that is not explained.
  var refusedLine: Int? {
    switch outcome {
    case .refused(let refusal): refusal.line
    case .stray(let stray): stray.line
    default: nil
    }
  }
}
