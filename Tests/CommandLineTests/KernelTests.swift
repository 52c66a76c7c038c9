import Foundation
import Testing

/// Real kernels under QEMU, where `TDXSPEC_KERNELS` says that they are; elsewhere SKIPPED.
///
/// A part of each suite by default; `TDXSPEC_KERNEL_SHARD=1/1` runs all of it.
@Suite(.serialized) struct KernelTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let environment = ProcessInfo.processInfo.environment

  /// The runner for virtual machines, beside the tool unless the environment says otherwise.
  private static var runner: String {
    environment["TDXSPEC_KVM_STATIC_RUNNER"] ?? Tool.path + "-kvm-static"
  }

  /// Why kernels cannot be booted here; nil where they can.
  private static func missing() throws -> String? {
    guard environment["TDXSPEC_KERNELS"] != nil else { return "TDXSPEC_KERNELS is not set" }
    guard try Tool.shell("command -v qemu-system-x86_64").status == 0 else {
      return "there is no qemu-system-x86_64"
    }
    guard FileManager.default.isExecutableFile(atPath: runner) else {
      return "there is no \(runner); tools/static-runner builds one"
    }
    return nil
  }

  @Test("a part of every suite on every kernel", .timeLimit(.minutes(30)))
  func suites() throws {
    if let reason = try Self.missing() {
      print("SKIPPED: suites on kernels: \(reason)")
      return
    }
    let shard = Self.environment["TDXSPEC_KERNEL_SHARD"] ?? "1/20"
    let result = try Tool.shell(
      "cd '\(Self.root.path)' && TDXSPEC=\"$TOOL\" TDXSPEC_KVM_STATIC_RUNNER='\(Self.runner)' "
        + "tools/kernels \(shard)")
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains(" PASS"))
  }

  @Test(
    "6.18 and 7.3 answer otherwise what the facts say",
    .timeLimit(.minutes(30)),
    arguments: [
      ("gmem-6.18-deviations", "Suites"),
      ("offset-overflow", "Expectations/6.18-against-7.3"),
    ])
  func differences(suite: String, folder: String) throws {
    let release = try String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
    let device = "/dev/kvm"
    var reason = try Self.missing()
    if !FileManager.default.isWritableFile(atPath: device) { reason = "there is no \(device)" }
    if !release.hasPrefix("6.18.") { reason = "this kernel is \(release), not 6.18" }
    if let reason {
      print("SKIPPED: 6.18 against 7.3: \(reason)")
      return
    }
    let all = "\(Self.root.path)/Conformance"
    let result = try Tool.shell(
      "TDXSPEC_KVM_STATIC_RUNNER='\(Self.runner)' $TOOL conform --backend kvm "
        + "--compare qemu:7.3-swprot --suite \(all)/\(folder)/\(suite).json "
        + "--differences \(all)/Expectations/6.18-against-7.3/\(suite).txt")
    #expect(result.status == 0, "\(result.output)\(result.errors)")
  }

  @Test("FINALIZE_VM against a punched hole, on the real code", .timeLimit(.minutes(10)))
  func race() throws {
    if let reason = try Self.missing() {
      print("SKIPPED: a race on a kernel: \(reason)")
      return
    }
    let names = ["7.3-standin", "7.3-faketdx"]
    let folder = Self.environment["TDXSPEC_KERNELS"] ?? ""
    let found = names.first { FileManager.default.fileExists(atPath: "\(folder)/bzImage-\($0)") }
    guard let kernel = found else {
      print("SKIPPED: a race on a kernel: none of \(names) is in \(folder)")
      return
    }
    let trace = Tool.scratchFile()
    defer { try? FileManager.default.removeItem(at: trace) }
    _ = try Tool.run(
      "check", "kvm/tdx", "--scope", "build-remove", "--property", "S-21-finalize", "--json",
      "--output", trace.path)
    let result = try Tool.shell(
      "TDXSPEC_KVM_STATIC_RUNNER='\(Self.runner)' $TOOL conform --backend qemu:\(kernel) "
        + "--race \(trace.path) --times 4")
    if result.status == 4 {
      // A QEMU that is too old for the stand-in.
      print("SKIPPED: a race on a kernel: \(result.errors)")
      return
    }
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains("WARNING: arch/x86/kvm/vmx/tdx.c:1798"))
  }
}
