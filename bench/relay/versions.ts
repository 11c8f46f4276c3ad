import Database from "better-sqlite3";

/** Lengthen a model's history to `count` versions with copies of its first one, straight in the ledger while the relay rests. */
export function writeVersions(ledgerPath: string, model: string, count: number): void {
  const database = new Database(ledgerPath);
  try {
    const columns = database
      .prepare<[], { name: string }>("select name from pragma_table_info('versions')")
      .all()
      .map(({ name }) => name);
    const values: Record<string, string> = {
      number: "n",
      id: "printf('%064x', n)",
      parent: "case n when 1 then id else printf('%064x', n - 1) end",
    };
    database
      .prepare(
        `with recursive numbers (n) as (
           select max(number) + 1 from versions where model = @model
           union all select n + 1 from numbers where n + 1 < @count)
         insert into versions (${columns.join()})
         select ${columns.map((name) => values[name] ?? name).join()}
         from versions join numbers where model = @model and number = 0 and n < @count`,
      )
      .run({ model, count });
    const head = database.prepare("update models set head = @head where id = @model");
    head.run({ model, head: count - 1 });
  } finally {
    database.close();
  }
}
