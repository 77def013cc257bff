package sluice.dmacore.linux;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.FaultMatrix.Access;
import sluice.dmacore.linux.FaultMatrix.Region;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What this JVM does when mapped memory goes away. The design makes faults impossible instead of catching them, and
 * these tests hold the facts it relies on: an overlay never faults, a sealed file cannot shrink, system calls answer
 * instead of faulting, and everything else that touches forbidden memory kills the process. The rest is recorded.
 */
@Tag("fault-matrix")
class FaultMatrixTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int HOT = 30_000;
    /** Added to the signal's number in the exit code of a process that a signal ended. */
    private static final int KILLED_BY_SIGNAL = 128;
    private static final String DIED = "JVM died";
    private static final Set<Access> ALSO_HOT = EnumSet.of(Access.GET, Access.COMPARE_AND_SET,
            Access.SET_RELEASE_16_BIT);

    @TempDir
    private Path directory;

    private record Case(Access access, Region region, boolean hot) {
        @Override
        public String toString() {
            return access + (hot ? " hot" : " cold");
        }
    }

    @Test
    void facts() throws Exception {
        List<Case> cases = new ArrayList<>();
        for (Access access : Access.values()) {
            for (Region region : EnumSet.of(Region.TRUNCATED, Region.PROT_NONE)) {
                cases.add(new Case(access, region, false));
                if (ALSO_HOT.contains(access)) {
                    cases.add(new Case(access, region, true));
                }
            }
        }
        Map<Case, String> outcomes = new LinkedHashMap<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
            List<Future<String>> running = cases.stream().map(one -> pool.submit(() -> outcome(one))).toList();
            for (int i = 0; i < cases.size(); i++) {
                outcomes.put(cases.get(i), running.get(i).get());
            }
        }
        print(outcomes);

        outcomes.forEach((one, outcome) -> {
            if (one.access == Access.PREAD) {
                assertThat(outcome).as("%s", one)
                        .isEqualTo("no fault, result " + (one.region == Region.TRUNCATED ? 0 : 256));
            } else if (one.access == Access.PROCESS_VM_READV) {
                assertThat(outcome).as("%s", one).isEqualTo("no fault, result " + -Errno.EFAULT);
            } else if (one.region == Region.PROT_NONE) {
                assertThat(outcome).as("%s", one).startsWith(DIED);
            } else {
                assertThat(outcome).as("%s of a truncated file", one).doesNotStartWith("no fault");
            }
        });
    }

    @Test
    void anOverlayNeverFaults() throws Exception {
        for (boolean hot : new boolean[]{ false, true }) {
            ChildJvm.Result result = ChildJvm.run(command(hot, "ALL", Region.OVERLAID.name(), warmUp(hot)),
                    directory.resolve("overlay-" + hot), LIMIT);
            assertThat(result.exitCode()).as(result.output()).isZero();
            for (Access access : Access.values()) {
                String expected = switch (access) {
                    // The page was taken away as zeros, and the file still has what the warm-up wrote.
                    case COMPARE_AND_SET -> "no fault, result 1";
                    case PREAD, PROCESS_VM_READV -> "no fault, result 256";
                    case MISMATCH -> "no fault, result -1";
                    default -> "no fault, result 0";
                };
                assertThat(result.value(access + "=")).as("%s, hot %s", access, hot).isEqualTo(expected);
            }
        }
    }

    @Test
    void readersNeverNoticeSwaps() throws Exception {
        int swaps = 20_000;
        ChildJvm.Result result = ChildJvm.run(command(true, "RACE", Integer.toString(swaps)), directory.resolve("race"),
                LIMIT);
        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.value("outcome=")).isEqualTo("no fault");
        assertThat(Integer.parseInt(result.value("swaps="))).isGreaterThanOrEqualTo(swaps);
        assertThat(result.value("readers-ran=")).as("the readers ran during the swaps").isEqualTo("true");
    }

    @Test
    void aSealedFileCannotBeTruncated() throws Exception {
        try (Fd file = Memfd.create("sealed", Memfd.ALLOW_SEALING)) {
            Memfd.resize(file, 2 * Mman.pageSize());
            Seals.add(file, Seals.SHRINK);
            MemfdTest.assertFails(Errno.EPERM, "ftruncate", () -> Memfd.resize(file, Mman.pageSize()));
            assertThat(FileStatus.of(file).size()).isEqualTo(2 * Mman.pageSize());
        }
    }

    private String outcome(Case one) throws Exception {
        ChildJvm.Result result = ChildJvm.run(command(one.hot, one.access.name(), one.region.name(), warmUp(one.hot)),
                directory.resolve(one.access + "-" + one.region + "-" + one.hot), LIMIT);
        if (result.exitCode() == 0) {
            return result.value("outcome=");
        }
        // Without a core dump a JVM that crashed exits with 1, as after an uncaught exception.
        if (result.exitCode() > KILLED_BY_SIGNAL || result.output().contains("A fatal error has been detected")) {
            return DIED + List.of("SIGBUS", "SIGSEGV").stream().filter(result.output()::contains).findFirst()
                    .map(signal -> ", " + signal).orElse(", internal error");
        }
        assertThat(result.output()).as("%s ended with exit code %s", one, result.exitCode())
                .contains("java.lang.InternalError");
        return "InternalError, too late for the catch block";
    }

    private List<String> command(boolean hot, String... arguments) {
        List<String> flags = new ArrayList<>(List.of("-XX:ErrorFile=" + directory.resolve("hs_err_%p.log")));
        // Hot: compiled by C2 before the access that counts. Cold: never compiled.
        flags.add(hot ? "-Xbatch" : "-Xint");
        return ChildJvm.command(List.of(), flags, FaultMatrix.class, arguments);
    }

    private static String warmUp(boolean hot) {
        return hot ? Integer.toString(HOT) : "0";
    }

    private static void print(Map<Case, String> outcomes) {
        StringBuilder table = new StringBuilder("Fault matrix of Java " + Runtime.version() + ", "
                + System.getProperty("os.arch") + "\n");
        table.append(String.format("%-26s %-30s %s%n", "access", "truncated file", "no access allowed"));
        outcomes.forEach((one, outcome) -> {
            if (one.region == Region.TRUNCATED) {
                table.append(String.format("%-26s %-30s %s%n", one, outcome,
                        outcomes.get(new Case(one.access, Region.PROT_NONE, one.hot))));
            }
        });
        System.out.print(table);
    }
}
