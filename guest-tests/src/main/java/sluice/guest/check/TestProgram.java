package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

import sluice.guest.Machine;

/**
 * A user's program to run in the guest. Its exit status is its result: 0 pass, 4 skip (as in kselftest), any other
 * fail. Its output, such as TAP, is kept.
 *
 * @param file on this host
 */
record TestProgram(Path file) {
    private static final int SKIPPED = 4;
    private static final int SIGNALLED = 128;
    /** Limit of processes and threads, including the kernel's, against a program that forks without end. */
    private static final int PROCESSES = 1024;
    private static final Pattern NOT_OK = Pattern.compile("^\\s*not ok\\b(?!.*# (?:TODO|SKIP)).*");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    /** @throws IOException the program does not exist, or its name is not valid for a cell */
    static TestProgram of(Path file) throws IOException {
        if (!Files.isRegularFile(file) || !Files.isExecutable(file))
            throw new IOException("--test=%s is not an executable program".formatted(file));
        TestProgram program = new TestProgram(file.toAbsolutePath());
        if (!NAME.matcher(program.name()).matches())
            throw new IOException(
                    "--test=%s: take a name of up to 64 letters, digits, dots and hyphens".formatted(file));
        return program;
    }

    String name() {
        return file.getFileName().toString();
    }

    /**
     * The command that runs it and then kills its remaining processes.
     *
     * @param program its path in the guest, or its command there
     */
    String command(String program) {
        // The shell that executes this is process 1, which kill -1 does not affect.
        return "ended() { return $1; }; echo %d >/proc/sys/kernel/pid_max; cd /tmp; (exec %s </dev/null 2>&1); s=$?; kill -9 -1; echo; ended $s"
                .formatted(PROCESSES, program);
    }

    /** Its outcome, without findings. */
    Outcome outcome(Machine.Done done) {
        return switch (done.status()) {
            case 0 -> Outcome.PASS;
            case SKIPPED -> Outcome.SKIP;
            default -> Outcome.FAIL;
        };
    }

    /** Why it did not pass: its status, and its first failed test line. */
    List<String> reasons(Machine.Done done) {
        List<String> reasons = new ArrayList<>();
        if (done.status() > SIGNALLED) {
            reasons.add("%s was ended by signal %d".formatted(name(), done.status() - SIGNALLED));
        } else if (done.status() == SKIPPED) {
            reasons.add(name() + " cannot be run here: it ended with status 4");
        } else if (done.status() != 0) {
            reasons.add("%s ended with status %d".formatted(name(), done.status()));
        }
        done.lines().stream().filter(line -> NOT_OK.matcher(line).matches()).findFirst()
                .ifPresent(line -> reasons.add("it says: " + line.strip()));
        return reasons;
    }
}
