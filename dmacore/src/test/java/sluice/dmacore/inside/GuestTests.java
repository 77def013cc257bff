package sluice.dmacore.inside;

import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs this module's tests tagged {@code guest} in one JVM, and reports each on standard output, see {@link
 * ResultLines}. Whether all passed is for the reader to say: the exit status is 0 when all have been run.
 */
public final class GuestTests {
    private GuestTests() {}

    /**
     * The main program.
     *
     * @param arguments none for all tests, or the full names of classes
     */
    public static void main(String[] arguments) {
        LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request()
                .filters(TagFilter.includeTags("guest"));
        if (arguments.length == 0) {
            request.selectors(DiscoverySelectors.selectPackage("sluice.dmacore"));
        }
        for (String name : arguments) {
            request.selectors(DiscoverySelectors.selectClass(name));
        }
        LauncherDiscoveryRequest tests = request.build();
        ResultLines results = new ResultLines(System.out);
        LauncherFactory.create().execute(tests, results);
        results.end();
    }
}
