package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

import sluice.guest.Machine;

/**
 * A user's own program that is run in the guest, and says by its exit status what came of it: 0 passed, 4 skipped (as kselftest has it),
 * anything else failed. What it prints, such as TAP, is kept.
 *
 * @param file on this host
 */
record TestProgram(Path file) {
    private static final int SKIPPED = 4;
    private static final int SIGNALLED = 128;
    /** Processes and threads at once, the kernel's own among them: a program that forks without end finds one. */
    private static final int PROCESSES = 1024;
    private static final Pattern NOT_OK = Pattern.compile("^\\s*not ok\\b(?!.*# (?:TODO|SKIP)).*");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    /** @throws IOException there is no such program, or its name is none for a cell */
    static TestProgram of(Path file) throws IOException {
        if (!Files.isRegularFile(file) || !Files.isExecutable(file))
            throw new IOException("--test=%s is no program that can be executed".formatted(file));
        TestProgram program = new TestProgram(file.toAbsolutePath());
        if (!NAME.matcher(program.name()).matches())
            throw new IOException("--test=%s: take a name of up to 64 letters, digits, dots and hyphens".formatted(file));
        return program;
    }

    String name() {
        return file.getFileName().toString();
    }

    /**
     * What runs it, and then ends all that it has left behind.
     *
     * @param program where it is in the guest, or how it is started there
     */
    String command(String program) {
        // The shell that reads this is process 1, which kill spares.
        return "ended() { return $1; }; echo %d >/proc/sys/kernel/pid_max; cd /tmp; (exec %s </dev/null 2>&1); s=$?; kill -9 -1; echo; ended $s"
                .formatted(PROCESSES, program);
    }

    /** What came of it, before anything that was found is looked at. */
    Outcome outcome(Machine.Done done) {
        return switch (done.status()) {
            case 0 -> Outcome.PASS;
            case SKIPPED -> Outcome.SKIP;
            default -> Outcome.FAIL;
        };
    }

    /** Why it did not pass: its status, and the first thing that it calls wrong. */
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
