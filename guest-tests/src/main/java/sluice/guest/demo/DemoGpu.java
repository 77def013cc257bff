package sluice.guest.demo;

import java.util.List;

/**
 * The GPU program of a demo.
 *
 * @param command its command line, without the options that the demo adds
 * @param ours whether it supports our options and signals: {@code --stats}, {@code --snapshot-dir}, SIGUSR2
 */
record DemoGpu(List<String> command, boolean ours) {}
