/** GitHub's own parser of workflows: the part of it that is used here. */
declare module '@actions/workflow-parser' {
  class NoOperationTraceWriter {
    // Its calls are the parser's own.
    private readonly trace: unknown;
  }
  interface ParseResult {
    context: { errors: { getErrors(): { message: string }[] } };
    value?: object;
  }
  function parseWorkflow(file: { name: string; content: string }, trace: NoOperationTraceWriter): ParseResult;
  function convertWorkflowTemplate(
    context: ParseResult['context'],
    value: object,
  ): Promise<{ errors?: { Message: string }[] }>;
}
