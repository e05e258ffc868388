'use strict';

const vscode = require('vscode');
const { definitionOf } = require('./definition.cjs');

/** Go to definition for the names of values (%x) and of functions, kernels, weights and scales (@f). */
exports.activate = (context) => {
  const provider = {
    provideDefinition(document, position) {
      const found = definitionOf(document.getText(), document.offsetAt(position));
      if (!found) return undefined;
      const range = new vscode.Range(document.positionAt(found.start), document.positionAt(found.end));
      return new vscode.Location(document.uri, range);
    },
  };
  context.subscriptions.push(vscode.languages.registerDefinitionProvider({ language: 'qir' }, provider));
};
