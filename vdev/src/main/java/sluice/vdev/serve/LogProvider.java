package sluice.vdev.serve;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.helpers.NOPMDCAdapter;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * SLF4J's provider in a Sluice process, which the property {@code slf4j.provider} names: the log goes to standard error.
 * java.util.logging would look into all jars of the class path at each start, for a tenth of its time.
 */
public final class LogProvider implements SLF4JServiceProvider {
    private static final String API = "2.0.99";

    private final Map<String, Log> loggers = new ConcurrentHashMap<>();
    private final IMarkerFactory markers = new BasicMarkerFactory();
    private final MDCAdapter context = new NOPMDCAdapter();

    /** Sets what the loggers of Sluice write; those of libraries write no more than warnings. */
    public static void show(LogLevel level) {
        Log.show(level);
    }

    @Override
    public ILoggerFactory getLoggerFactory() {
        return name -> loggers.computeIfAbsent(name, one -> new Log(one, ErrorOutput.ofProcess()));
    }

    @Override
    public IMarkerFactory getMarkerFactory() {
        return markers;
    }

    @Override
    public MDCAdapter getMDCAdapter() {
        return context;
    }

    @Override
    public String getRequestedApiVersion() {
        return API;
    }

    @Override
    public void initialize() {
        // Its fields are all it needs.
    }
}
