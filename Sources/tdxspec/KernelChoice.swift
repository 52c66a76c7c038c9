import ArgumentParser
import BackendProcess
import ConformanceKit
import Foundation
import QEMUBackend

/// Options of the backends that are real kernels.
struct KernelOptions: ParsableArguments {
  @Flag(
    name: .long,
    help: "With --backend kvm: create and run vCPUs on this machine's KVM.")
  var allowRun = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "With --backend qemu: in how many ways calls of a race are put together.", valueName: "n"))
  var raceAttempts = 12

  func validate() throws {
    guard 1...1_000 ~= raceAttempts else {
      throw ValidationError("--race-attempts takes a number from 1 to 1000")
    }
  }

  /// This machine's KVM, behind the runner.
  func host(_ limit: Duration?) throws(BackendError) -> ProcessBackend {
    let seconds = limit.map { max(1, Int($0.seconds)) } ?? 8
    let runner = RunnerPrograms.host
    guard FileManager.default.isExecutableFile(atPath: runner) else {
      throw BackendError(
        .unavailable,
        "there is no runner \(runner); swift build -c release --product tdxspec-kvm makes it")
    }
    var command = "exec '\(runner)' --call-limit \(seconds)"
    if allowRun { command += " --allow-run" }
    var limits = ProcessBackend.Limits()
    limits.call = Double(seconds) + 15
    limits.other = Double(seconds) + 30
    return ProcessBackend(command, limits: limits)
  }

  /// A virtual machine with the kernel.
  func machine(_ kernel: String, _ limit: Duration?) -> QEMUBackend.Setup {
    var setup = QEMUBackend.Setup(
      kernel: Self.path(of: kernel), runner: RunnerPrograms.guest, raceAttempts: raceAttempts)
    if let limit { setup.callLimit = max(1, Int(limit.seconds)) }
    return setup
  }

  /// A path, or the name of a file in `$TDXSPEC_KERNELS`, perhaps without its `bzImage-`.
  private static func path(of kernel: String) -> String {
    let files = FileManager.default
    guard !kernel.contains("/"), !files.fileExists(atPath: kernel),
      let folder = ProcessInfo.processInfo.environment["TDXSPEC_KERNELS"]
    else { return kernel }
    let named = "\(folder)/\(kernel)"
    let image = "\(folder)/bzImage-\(kernel)"
    return files.fileExists(atPath: named) ? named : image
  }
}

/// Where the runners are: beside this tool, unless the environment says otherwise.
enum RunnerPrograms {
  /// For this machine's kernel.
  static var host: String { path(named: "tdxspec-kvm", variable: "TDXSPEC_KVM_RUNNER") }
  /// For virtual machines: one that needs no other files.
  static var guest: String {
    path(named: "tdxspec-kvm-static", variable: "TDXSPEC_KVM_STATIC_RUNNER")
  }

  private static func path(named name: String, variable: String) -> String {
    if let given = ProcessInfo.processInfo.environment[variable] { return given }
    let tool = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return tool.deletingLastPathComponent().appendingPathComponent(name).path
  }
}
