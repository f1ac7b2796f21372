// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/WaitsAhead.h"
#include "clang/Analysis/CFG.h"
#include "llvm/ADT/SetVector.h"

using namespace clang;
using namespace safespawn;

/// The body of \p Call's callee, where the call means nothing else.
static const FunctionDecl *followed(const CallExpr *Call, const Unit &U) {
  const FunctionDecl *Callee = Call->getDirectCallee(), *Definition = nullptr;
  return Callee && U.meaningsOf(Callee).empty() && Callee->hasBody(Definition) ? Definition : nullptr;
}

static void addCalls(const Stmt *S, SmallVectorImpl<const CallExpr *> &Out) {
  if (!S)
    return;
  if (const auto *Call = dyn_cast<CallExpr>(S))
    Out.push_back(Call);
  for (const Stmt *Child : S->children())
    addCalls(Child, Out);
}

const WaitsAhead::Calls &WaitsAhead::in(const FunctionDecl *F) {
  auto [Known, New] = Inside.try_emplace(F);
  if (!New)
    return Known->second;
  llvm::SetVector<const FunctionDecl *> Below;
  Below.insert(F);
  for (size_t Next = 0; Next < Below.size(); ++Next) {
    SmallVector<const CallExpr *, 32> Written;
    addCalls(Below[Next]->getBody(), Written);
    for (const CallExpr *Call : Written)
      if (const FunctionDecl *Callee = followed(Call, A.U))
        Below.insert(Callee);
      else if (!Call->getDirectCallee())
        Known->second.insert(nullptr);
      else if (A.mayWaitForLong(Call))
        Known->second.insert(Call);
  }
  return Known->second;
}

void WaitsAhead::add(const CallExpr *Call, Calls &Out) {
  if (const FunctionDecl *Callee = followed(Call, A.U)) {
    const Calls &Below = in(Callee);
    Out.insert(Below.begin(), Below.end());
  } else if (!Call->getDirectCallee()) {
    Out.insert(nullptr);
  } else if (A.mayWaitForLong(Call)) {
    Out.insert(Call);
  }
}

const WaitsAhead::Calls &WaitsAhead::from(const FunctionDecl *F, const CFGBlock *B, ento::AnalysisManager &Manager) {
  auto [Known, New] = From.try_emplace(F);
  std::vector<Calls> &Blocks = Known->second;
  if (New) {
    const CFG *Graph = Manager.getCFG(F);
    Blocks.resize(Graph->getNumBlockIDs());
    for (const CFGBlock *Block : *Graph)
      for (const CFGElement &Element : *Block)
        if (auto S = Element.getAs<CFGStmt>())
          if (const auto *Call = dyn_cast<CallExpr>(S->getStmt()))
            add(Call, Blocks[Block->getBlockID()]);
    for (bool Changed = true; Changed;) {
      Changed = false;
      for (const CFGBlock *Block : *Graph) {
        Calls &Here = Blocks[Block->getBlockID()];
        const size_t Before = Here.size();
        for (const CFGBlock *Next : Block->succs())
          if (Next && Next != Block) {
            const Calls &There = Blocks[Next->getBlockID()];
            Here.insert(There.begin(), There.end());
          }
        Changed |= Here.size() != Before;
      }
    }
  }
  return Blocks[B->getBlockID()];
}
