package sluice.dmacore.inside;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayDeque;
import java.util.Deque;

import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Tells of tests in lines for a reader on the other side of a serial console:
 *
 * <pre>
 * SLUICE test passed 12 DmaHeapTest > newBuffersAreZero(int) > [1] 4096
 * SLUICE test failed 3 UdmabufTest > aBufferOfNothingIsRefused()
 * SLUICE reason org.opentest4j.AssertionFailedError: ...
 * SLUICE test skipped 0 ...
 * SLUICE tests 41
 * </pre>
 *
 * <p>The number is milliseconds. What a failed test or container has thrown comes before its line, a line of it each. A
 * container is reported only if it fails. The last line is the number of reported tests.
 */
final class ResultLines implements TestExecutionListener {
    private final PrintStream out;
    private final Deque<Long> began = new ArrayDeque<>();
    private @Nullable TestPlan plan;
    private int told;

    ResultLines(PrintStream out) {
        this.out = out;
    }

    @Override
    public void testPlanExecutionStarted(TestPlan started) {
        plan = started;
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        began.push(System.nanoTime());
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        long millis = (System.nanoTime() - began.pop()) / 1_000_000;
        boolean passed = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
        if (!test.isTest() && passed) {
            return;
        }
        result.getThrowable().ifPresent(this::reason);
        tell(passed ? "passed" : result.getStatus() == TestExecutionResult.Status.ABORTED ? "skipped" : "failed",
                millis, test);
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        out.println("SLUICE reason " + reason);
        tell("skipped", 0, test);
    }

    private void reason(Throwable thrown) {
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace));
        trace.toString().lines().forEach(line -> out.println("SLUICE reason " + line));
    }

    private void tell(String state, long millis, TestIdentifier test) {
        told++;
        out.println("SLUICE test " + state + " " + millis + " " + name(test));
    }

    /** The names from the class down, without the engine's. */
    private String name(TestIdentifier test) {
        String name = oneLine(test);
        TestIdentifier at = test;
        while (plan != null && plan.getParent(at).isPresent()) {
            at = plan.getParent(at).get();
            if (plan.getParent(at).isPresent()) {
                name = oneLine(at) + " > " + name;
            }
        }
        return name;
    }

    private static String oneLine(TestIdentifier test) {
        return test.getSource().filter(ClassSource.class::isInstance).map(ClassSource.class::cast)
                .filter(_ -> test.getUniqueIdObject().getLastSegment().getType().equals("class"))
                .map(source -> source.getJavaClass().getSimpleName()).orElseGet(test::getDisplayName)
                .replaceAll("\\s+", " ");
    }

    /** Prints the last line. */
    void end() {
        out.println("SLUICE tests " + told);
        out.flush();
    }
}
