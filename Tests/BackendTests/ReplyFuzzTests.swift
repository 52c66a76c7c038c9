import ConformanceKit
import Foundation
import Testing

@testable import BackendProcess

/// What a backend writes is not trusted: any bytes are a reply or an error.
@Suite struct ReplyFuzzTests {
  private static let replies = [
    #"{"id":1,"profile":{"backend":"b","capabilities":["race"],"details":{"kernel":"7.3"}}}"#,
    #"{"id":2,"result":{"outcome":{"ok":0},"written":{"gpa":4096,"seamcalls":["a ok"]}}}"#,
    #"{"id":3,"result":{"outcome":{"exit":"KVM_EXIT_MEMORY_FAULT","errno":"EFAULT"}}}"#,
    #"{"id":4,"observations":{"vm0.dead":true,"n":-1,"w":18446744073709551615}}"#,
    #"{"id":5,"results":[[{"outcome":{"signal":7}}],[{"outcome":{"timeout":true}}]]}"#,
    #"{"id":6,"complaints":["WARNING: arch/x86/kvm/vmx/tdx.c:1798"]}"#,
    #"{"id":7,"error":{"kind":"lost","message":"\u00e9\ud83d\ude00\n"}}"#,
  ]

  /// `TDXSPEC_FUZZ_CALLS` mutates that many replies instead of some thousands.
  private static let count =
    ProcessInfo.processInfo.environment["TDXSPEC_FUZZ_CALLS"].flatMap { Int($0) } ?? 5_000

  @Test("mutated replies are read or refused")
  func mutated() {
    let lines = Self.replies.map { Array($0.utf8) }
    var random = Numbers(state: 11)
    var (read, refused) = (0, 0)
    for _ in 0..<Self.count {
      var line = lines[Int.random(in: lines.indices, using: &random)]
      for _ in 0..<Int.random(in: 1...4, using: &random) { Self.mutate(&line, &random) }
      if (try? StrictJSON.decode(BackendReply.self, from: line)) != nil {
        read += 1
      } else {
        refused += 1
      }
    }
    #expect(read > 0 && refused > 0 && read + refused == Self.count)
  }

  private static func mutate(_ line: inout [UInt8], _ random: inout Numbers) {
    guard !line.isEmpty else { return }
    let place = Int.random(in: line.indices, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: line.remove(at: place)
    case 1: line.insert(UInt8.random(in: 0...255, using: &random), at: place)
    case 2: line[place] = UInt8.random(in: 0...255, using: &random)
    case 3: line.removeSubrange(place...)
    default: line.insert(contentsOf: line[place...].prefix(20), at: place)
    }
  }

  /// Numbers that are the same each time (splitmix64).
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }
}
